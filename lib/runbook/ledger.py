"""Functions with which the runbook's scripts read the ledger. They are prepended to each script that needs them."""
import boto3


def plain(value):
    """Returns the plain value of a DynamoDB attribute value."""
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
