"""What a PostgreSQL database of RDS costs: instances, storage and its speed, support of old versions, and what is added.

Sources (not opened): Amazon RDS user guide, "Amazon RDS DB instance storage" (gp3 of PostgreSQL includes 3,000 IOPS and
125 MiB/s below 400 GiB, and 12,000 IOPS and 500 MiB/s from there), "Amazon RDS Extended Support charges" (by the vCPU, standby
included, from the day after standard support), "DB instance class types" (vCPUs); prices in the book.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from decimal import Decimal

from pricing.capacity.aws_facts import rds_postgresql_support
from pricing.items.cost import HOURS_PER_MONTH, CostItem
from pricing.items.graph import UNKNOWN, Node
from pricing.items.unpriced import Unpriced
from pricing.meters.keys import secret
from pricing.meters.meters import Meter, at_most, public_address
from pricing.meters.storage.claims import Declared
from pricing.meters.storage.disks import whole
from pricing.meters.storage.logs import LOG_GROUP

BACKUPS = "rds-postgresql/backup-storage-beyond-the-free-allocation"
CREDITS = "rds-postgresql/t4g-cpu-credits-in-unlimited-mode"
INSIGHTS = "rds/database-insights-advanced"
THROUGHPUT = "rds-postgresql/gp3-provisioned-throughput-above-baseline"
STRIPED_GIB = 400
"""From this size on RDS stripes gp3 storage of PostgreSQL over four volumes."""
VCPUS: Mapping[str, int] = {
    **dict.fromkeys(("micro", "small", "medium", "large"), 2),
    "xlarge": 4,
    **{f"{times}xlarge": 4 * times for times in (2, 4, 8, 12, 16, 24, 32, 48)},
}
"""vCPUs by the size in a class's name: the general purpose, memory optimised and burstable classes keep to it."""
_NO_EXTENDED_SUPPORT = "open-source-rds-extended-support-disabled"
_STORAGE = {
    "gp3": "rds-postgresql/gp3-storage-{zones}",
    "gp2": "rds/gp2-storage-{zones}",
    "io1": "rds/io1-storage-{zones}",
}


@dataclass(frozen=True, kw_only=True)
class Database:
    """A PostgreSQL database as its price sees it; storage in GiB, `iops` and `throughput` (MiB/s) as provisioned.

    `version` is the engine's (`17`, `12.22`). `extended_support` says whether RDS may keep an old one running for money.
    """

    instance_class: str
    version: str
    storage: int
    most_storage: int = 0
    multi_az: bool = False
    storage_type: str = "gp3"
    iops: int | None = None
    throughput: int | None = None
    backups: bool = False
    managed_password: bool = False
    public: bool = False
    advanced_insights: bool = False
    extended_support: bool = True

    @property
    def zones(self) -> str:
        """`multi-az` or `single-az`, as keys of the book end."""
        return "multi-az" if self.multi_az else "single-az"

    @property
    def instances(self) -> int:
        """How many machines run: the standby counts."""
        return 2 if self.multi_az else 1

    @property
    def vcpus(self) -> int:
        """vCPUs of all its machines. Raises Unpriced for a size that no rule covers."""
        found = VCPUS.get(self.instance_class.rpartition(".")[2])
        if found is None:
            raise Unpriced("how many vCPUs this class has is not known")
        return found * self.instances


def lines(meter: Meter, database: Database) -> Iterator[CostItem]:
    """The lines of one database. Raises Unpriced.

    Backups are free up to the size of the storage; at most they come to as much again. A burstable class is paid for what
    it takes above its share, which may be all of its vCPUs.
    """
    yield meter.hours(
        "instances",
        f"rds-postgresql/{database.instance_class}/{database.zones}",
        unit="instance-hour",
        label=f"{database.instance_class}, {database.zones}",
    )
    yield from _old_version(meter, database)
    if database.instance_class.startswith("db.t"):
        yield _credits(meter, database)
    yield from _storage(meter, database)
    if database.backups:
        why = "free up to the size of the storage, and at most as much again"
        most = Decimal(max(database.storage, database.most_storage))
        yield at_most(meter, "backups", BACKUPS, most, "GB-month", why)
    if database.advanced_insights:
        hours = HOURS_PER_MONTH * database.vcpus
        yield meter.fixed("Database Insights", INSIGHTS, hours, "vCPU-hour", label="Database Insights, advanced")
    if database.public:
        yield from public_address(meter, database.instances)
    if database.managed_password:
        yield from secret(meter)


def _old_version(meter: Meter, database: Database) -> Iterator[CostItem]:
    support = rds_postgresql_support(database.version.partition(".")[0])
    if support is None:
        yield meter.unpriced("support", "nobody says until when this version of PostgreSQL is in standard support")
        return
    if meter.today <= support.standard_ends or not database.extended_support:
        return
    if meter.today > support.extended_ends:
        yield meter.unpriced("support", "extended support of this version has ended, and RDS upgrades it by itself")
        return
    year = 3 if meter.today >= support.year_3_starts else 1
    hours = HOURS_PER_MONTH * database.vcpus
    why = f"standard support ended on {support.standard_ends.isoformat()}; year 3 starts on {support.year_3_starts.isoformat()}"
    key = f"rds-postgresql/extended-support-year-{year}"
    label = f"extended support, {'year 3' if year == 3 else 'years 1 and 2'}"
    yield meter.fixed("extended support", key, hours, "vCPU-hour", label=label, assumptions=(why,))


def _storage(meter: Meter, database: Database) -> Iterator[CostItem]:
    if database.storage_type not in _STORAGE:
        raise Unpriced(f"only storage of the types {', '.join(sorted(_STORAGE))} is priced")
    key = _STORAGE[database.storage_type].format(zones=database.zones)
    item = meter.fixed("storage", key, Decimal(database.storage), "GB-month")
    if item.unit_price is not None and database.most_storage > database.storage:
        most = Decimal(database.most_storage)
        item = replace(item, quantity=most, maximum=most * item.unit_price.usd).assuming(f"it may grow to {most} GB")
    yield item
    yield from _speed(meter, database)


def _speed(meter: Meter, database: Database) -> Iterator[CostItem]:
    iops, throughput = database.iops or 0, database.throughput or 0
    if database.storage_type == "io1":
        if not iops:
            raise Unpriced("how many IOPS io1 storage has is not stated")
        yield meter.fixed("IOPS", f"rds/io1-provisioned-iops-{database.zones}", Decimal(iops), "IOPS-month")
        return
    if database.storage_type == "gp2" and (iops or throughput):
        raise Unpriced("speed of gp2 storage cannot be provisioned")
    striped = database.storage >= STRIPED_GIB
    more_iops, more_throughput = iops - (12_000 if striped else 3000), throughput - (500 if striped else 125)
    if more_iops > 0:
        key = f"rds-postgresql/gp3-provisioned-iops-above-baseline-{database.zones}"
        yield meter.fixed("IOPS", key, Decimal(more_iops), "IOPS-month", label=f"{more_iops} IOPS above the baseline")
    if more_throughput > 0:
        label = f"{more_throughput} MiB/s above the baseline"
        yield meter.fixed(
            "throughput", f"{THROUGHPUT}-{database.zones}", Decimal(more_throughput), "MiB/s-month", label=label
        )


def _credits(meter: Meter, database: Database) -> CostItem:
    family = database.instance_class.split(".")[1]
    if family != "t4g":
        return meter.unpriced("CPU credits", f"no price of the CPU credits of {family} is on file")
    why = f"{database.vcpus} vCPUs above their share all month at most"
    return at_most(meter, "CPU credits", CREDITS, HOURS_PER_MONTH * database.vcpus, "vCPU-hour", why)


def read(node: Node) -> Database:
    """A database as it is declared. Raises Unpriced."""
    size, storage, engine = (node.read(key) for key in ("instanceClass", "allocatedStorage", "engine"))
    if engine != "postgres" or not isinstance(size, str) or isinstance(storage, bool) or not isinstance(storage, int):
        raise Unpriced("only PostgreSQL databases whose class and storage are known can be priced")
    version, most = node.read("engineVersion"), node.read("maxAllocatedStorage")
    if not isinstance(version, str):
        raise Unpriced("the version, on which the price of extended support depends, is not known")
    if isinstance(most, bool) or not isinstance(most, int | None):
        raise Unpriced("how far the storage may grow is not known")
    if node.read("licenseModel") not in (None, "postgresql-license"):
        raise Unpriced("only PostgreSQL's own licence is free")
    iops, kind = whole(node.read("iops"), "IOPS"), node.read("storageType")
    usual = "gp2" if iops is None else "io1"
    if not isinstance(kind, str | None):
        raise Unpriced("the type of its storage is not known")
    return Database(
        instance_class=size,
        version=version,
        storage=storage,
        most_storage=most or storage,
        multi_az=_known(node, "multiAz"),
        storage_type=kind or usual,
        iops=iops,
        throughput=whole(node.read("storageThroughput"), "MiB/s"),
        backups=node.read("backupRetentionPeriod") not in (None, 0),
        managed_password=_known(node, "manageMasterUserPassword"),
        public=_known(node, "publiclyAccessible"),
        advanced_insights=_insights(node),
        extended_support=node.read("engineLifecycleSupport") != _NO_EXTENDED_SUPPORT,
    )


def read_database(around: Declared, meter: Meter, node: Node) -> Iterator[CostItem]:
    """The lines of a database as it is declared. Raises Unpriced, also for a log that no log group of the stack counts."""
    logs = node.read("enabledCloudwatchLogsExports")
    if not isinstance(logs, tuple | None) or UNKNOWN in (logs or ()):
        raise Unpriced("which logs it writes is not known")
    for log in logs or ():
        if not _counted(around, node, str(log)):
            raise Unpriced(
                f"its log {log} goes to a log group that is not declared here, so nobody counts what it writes"
            )
    return lines(meter, read(node))


def _counted(around: Declared, node: Node, log: str) -> bool:
    """Whether the stack declares the group of a log: the one that RDS would make (RDS user guide, "Publishing logs")."""
    name = node.read("identifier")
    named = f"/aws/rds/instance/{name}/{log}" if isinstance(name, str) else None
    groups = list(around.of_type(LOG_GROUP))
    return any(group.read("name") == named if named else group.urn in node.depends for group in groups)


def _known(node: Node, key: str) -> bool:
    value = node.read(key)
    if not isinstance(value, bool | None):
        raise Unpriced(f"{key}, on which its price depends, is not known")
    return value is True


def _insights(node: Node) -> bool:
    """Whether Database Insights is advanced; its 15 months of history are in its price, any longer history has another."""
    mode, days = node.read("databaseInsightsMode"), node.read("performanceInsightsRetentionPeriod")
    if UNKNOWN in (mode, days):
        raise Unpriced("how much history of its performance is kept is not known")
    if mode != "advanced" and days not in (None, 0, 7):
        raise Unpriced("Performance Insights keeps 7 days for nothing, and no price of more is on file")
    return mode == "advanced"
