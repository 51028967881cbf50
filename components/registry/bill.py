"""What the registry keeps things in, and its load balancer; its servers run on nodes that are counted elsewhere."""

from __future__ import annotations

from collections.abc import Iterator

from components.part import Meters
from components.registry import outside, pods
from components.registry.component import Keeping, RegistrySpec
from components.registry.outside import Exposure
from components.storage.bill import volumes
from components.storage.component import StorageSpec
from core.versions import POSTGRESQL
from pricing.items.cost import CostItem
from pricing.items.unpriced import Unpriced
from pricing.meters import keys
from pricing.meters import meters as price
from pricing.meters.storage.database import Database
from pricing.meters.storage.database import lines as database_lines

NAME = "registry"


def lines(meters: Meters, spec: RegistrySpec, storage: StorageSpec, *, reader: bool) -> Iterator[CostItem]:
    """The registry's lines; `reader` says that model servers read it, with a secret of their own."""
    if spec.exposure is Exposure.INTERNAL:
        yield from price.load_balancer(meters.at(NAME, outside.NAME), "nlb", 0)
    if spec.keeping is Keeping.VOLUME:
        yield from volumes(meters.at(NAME, NAME), "volume", spec.volume_gb, 1, storage)
        return
    yield from keys.secret(meters.at(NAME, "registry-keys"))
    if reader:
        yield from keys.secret(meters.at(NAME, pods.READER))
    yield from _database(meters, spec)
    component = "registry-artifacts"
    yield from keys.kms_key(meters.at(component, f"{component}-key"))
    yield from price.bucket(meters.at(component, component))


def _database(meters: Meters, spec: RegistrySpec) -> Iterator[CostItem]:
    database, component = spec.database, "registry-database"
    yield from keys.kms_key(meters.at(component, f"{component}-key"))
    yield from price.log_group(meters.at(component, f"{component}-log"), database.log_days)
    asked = Database(
        instance_class=database.instance_class,
        version=POSTGRESQL,
        multi_az=database.multi_az,
        storage=database.storage_gb,
        most_storage=database.max_storage_gb,
        backups=True,
        managed_password=True,
    )
    meter = meters.at(component, NAME)
    try:
        yield from database_lines(meter, asked)
    except Unpriced as why:
        yield meter.unpriced("cost", str(why))
