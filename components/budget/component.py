"""The stack's budget as AWS watches it: alerts on what is really spent, anomalies, and an optional action that stops new
spending.

The estimate bounds what may be declared; this sees what was billed. Both hold the same amount.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import pulumi
import pulumi_aws as aws

from components.budget.spec import BudgetActionSpec, BudgetWatchSpec
from components.iam import allow, document, trust

TAG = "Platform"
"""The tag by which everything of one platform is found on the bill."""

ANOMALY_USD = Decimal(100)
"""Least cost (USD) of an anomaly that somebody is told of, where the stack file says nothing."""

STARTS = (
    "autoscaling:CreateAutoScalingGroup",
    "ec2:CreateFleet",
    "ec2:RequestSpotInstances",
    "ec2:RunInstances",
    "ec2:StartInstances",
    "eks:CreateNodegroup",
    "rds:CreateDBInstance",
)
"""What starts something that is paid by the hour."""


@dataclass(frozen=True, kw_only=True)
class BudgetArgs:
    """What AWS is told: the stricter of budget and ceiling (USD a month), whose tags count, and where to tell.

    `karpenter_role` is the role of the platform's own Karpenter, empty without one; `tags` the keys that everything carries.
    """

    spec: BudgetWatchSpec
    limit_usd: Decimal
    name: str
    region: str
    account_id: str
    tags: Sequence[str]
    karpenter_role: str
    needs: Sequence[pulumi.Resource]


@pulumi.type_token("modelyard:index:Budget")
class Budget(pulumi.ComponentResource):
    """An AWS Budget over what carries the platform's tag, and an anomaly monitor where AWS allows one by tag."""

    def __init__(self, name: str, args: BudgetArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        props = {"spec": args.spec.to_inputs(), "limitUsd": limit(args.limit_usd)}
        super().__init__("modelyard:index:Budget", name, props, opts)
        self._args = args
        child = pulumi.ResourceOptions(parent=self)
        ours: Any = [{"name": "TagKeyValue", "values": [f"user:{TAG}${args.name}"]}]
        told: Any = list(notifications(args.spec, self._topic))
        budget = aws.budgets.Budget(
            "budget",
            name=args.name,
            budget_type="COST",
            time_unit="MONTHLY",
            limit_amount=limit(args.limit_usd),
            limit_unit="USD",
            cost_filters=ours,
            # What is given back later must not hide what is being spent now.
            cost_types={"include_credit": False, "include_refund": False},
            notifications=told,
            opts=child,
        )
        if args.spec.payer_account:
            self._anomalies(child)
        if args.spec.activate_tags:
            for key in sorted(args.tags):
                # Other stacks of the account count by the same keys: they stay when this one goes.
                kept = pulumi.ResourceOptions(parent=self, retain_on_delete=True)
                aws.costexplorer.CostAllocationTag(f"tag-{key}", tag_key=key, status="Active", opts=kept)
        if args.spec.action is not None:
            self._action(args.spec.action, budget)
        self.register_outputs({})

    @property
    def _topic(self) -> str:
        args = self._args
        return f"arn:aws:sns:{args.region}:{args.account_id}:{args.spec.topic}" if args.spec.topic else ""

    def _anomalies(self, child: pulumi.ResourceOptions) -> None:
        args = self._args
        # By tag: an account takes one monitor of all its services, and other platforms may live in it.
        by_tag = {"Tags": {"Key": TAG, "Values": [args.name], "MatchOptions": ["EQUALS"]}}
        monitor = aws.costexplorer.AnomalyMonitor(
            "anomalies",
            name=args.name,
            monitor_type="CUSTOM",
            monitor_specification=json.dumps(by_tag, sort_keys=True),
            opts=child,
        )
        # AWS mails once a day at most, and tells a topic at once: one subscription cannot do both.
        for how, frequency, addresses in (
            ("EMAIL", "DAILY", args.spec.emails),
            ("SNS", "IMMEDIATE", [self._topic] if self._topic else []),
        ):
            if addresses:
                aws.costexplorer.AnomalySubscription(
                    f"anomalies-{how.lower()}",
                    name=f"{args.name}-{how.lower()}",
                    frequency=frequency,
                    monitor_arn_lists=[monitor.arn],
                    subscribers=[{"type": how, "address": address} for address in addresses],
                    threshold_expression={
                        "dimension": {
                            "key": "ANOMALY_TOTAL_IMPACT_ABSOLUTE",
                            "match_options": ["GREATER_THAN_OR_EQUAL"],
                            "values": [limit(args.spec.anomaly_usd or ANOMALY_USD)],
                        }
                    },
                    opts=child,
                )

    def _action(self, spec: BudgetActionSpec, budget: aws.budgets.Budget) -> None:
        args, child = self._args, pulumi.ResourceOptions(parent=self)
        held = sorted({*spec.roles, *([args.karpenter_role] if args.karpenter_role else [])})
        name = f"{args.name}-budget"
        stop = aws.iam.Policy(
            "nothing-new",
            name=f"{name}-nothing-new",
            description=f"Starts nothing more for {args.name}: its budget is spent",
            policy=document([{"Sid": "NothingNew", "Effect": "Deny", "Action": list(STARTS), "Resource": "*"}]),
            opts=child,
        )
        trusted = {
            "StringEquals": {"aws:SourceAccount": args.account_id},
            "ArnLike": {"aws:SourceArn": f"arn:aws:budgets::{args.account_id}:budget/{args.name}"},
        }
        role = aws.iam.Role(
            "budget-action",
            name=f"{name}-action",
            assume_role_policy=trust("budgets.amazonaws.com", conditions=trusted),
            opts=child,
        )
        # Composed from fixed names, so that a preview shows the whole policy.
        statements = action_statements(args.account_id, held, f"{name}-nothing-new")
        may = aws.iam.RolePolicy("budget-action", role=role.name, policy=document(statements), opts=child)
        told: Any = [{"subscription_type": "EMAIL", "address": email} for email in args.spec.emails]
        told += [{"subscription_type": "SNS", "address": self._topic}] if self._topic else []
        holds: Any = {"iam_action_definition": {"policy_arn": stop.arn, "roles": held}}
        aws.budgets.BudgetAction(
            "nothing-new",
            budget_name=budget.name,
            action_type="APPLY_IAM_POLICY",
            approval_model="AUTOMATIC" if spec.automatic else "MANUAL",
            notification_type="ACTUAL",
            action_threshold={"action_threshold_type": "PERCENTAGE", "action_threshold_value": spec.at_percent},
            definition=holds,
            execution_role_arn=role.arn,
            subscribers=told,
            opts=pulumi.ResourceOptions(parent=self, depends_on=[may, *args.needs]),
        )


def notifications(spec: BudgetWatchSpec, topic: str) -> Iterator[dict[str, Any]]:
    """One alert for each share, of what was spent and of the forecast; none when nobody is told, as AWS takes none then."""
    if not spec.told:
        return
    for percent in sorted(spec.alert_at_percents):
        for kind in ("ACTUAL", "FORECASTED"):
            yield {
                "comparison_operator": "GREATER_THAN",
                "notification_type": kind,
                "threshold": percent,
                "threshold_type": "PERCENTAGE",
                "subscriber_email_addresses": list(spec.emails),
                "subscriber_sns_topic_arns": [topic] if topic else [],
            }


def action_statements(account_id: str, roles: Sequence[str], policy: str) -> list[dict[str, Any]]:
    """What AWS Budgets may do: put this one policy on these roles, and take it off again."""
    return [
        allow(
            "HoldTheseRoles",
            ["iam:AttachRolePolicy", "iam:DetachRolePolicy"],
            [f"arn:aws:iam::{account_id}:role/{role}" for role in roles],
            {"ArnEquals": {"iam:PolicyARN": f"arn:aws:iam::{account_id}:policy/{policy}"}},
        )
    ]


def limit(amount: Decimal) -> str:
    """An amount of money as AWS writes it back, so that no preview shows a change of nothing."""
    return f"{amount.normalize():f}"
