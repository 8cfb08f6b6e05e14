"""What the runbook's scripts read in the ledger. It stands before each script that reads it."""
import boto3


def plain(value):
    """An attribute of DynamoDB's as what it stands for."""
    ((kind, content),) = value.items()
    if kind == "M":
        return {name: plain(one) for name, one in content.items()}
    if kind == "L":
        return [plain(one) for one in content]
    return None if kind == "NULL" else content


def item_of(events, key):
    client = boto3.client("dynamodb", region_name=events["region"])
    answer = client.get_item(TableName=events["tableName"], Key={name: {"S": text} for name, text in key.items()}, ConsistentRead=True)
    return plain({"M": answer.get("Item") or {}})
