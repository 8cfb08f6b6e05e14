# The add-on of the scenario ebs-csi-irsa, as its owner's code defines it before a migration (docs/hand-off.md).
terraform {
  required_providers {
    aws = {
      source  = "hashicorp/aws"
      version = ">= 6.0"
    }
  }
}

locals {
  cluster = "reliability-dev"
}

resource "aws_eks_addon" "ebs_csi" {
  cluster_name = local.cluster
  addon_name   = "aws-ebs-csi-driver"

  # The controller creates and attaches volumes.
  service_account_role_arn    = aws_iam_role.ebs_csi.arn
  resolve_conflicts_on_update = "PRESERVE"
}

resource "aws_iam_role" "ebs_csi" {
  name               = "reliability-dev-ebs-csi-driver-irsa-role"
  assume_role_policy = file("${path.module}/trust.json")
}
