"""Device to slot as the configuration says: what steering applies, and what workers check."""

from collector.config.model import Config
from collector.steering.slots import SlotTable


def slot_table(config: Config, slots: int) -> SlotTable:
    """Build the table of all devices of a configuration."""
    # A device whose tables are another's belongs where the other's BMP session goes.
    aliases = {
        address: device.rib_of or device.addresses[0]
        for device in config.device
        for address in device.addresses
    }
    return SlotTable(slots, config.steering.buckets, aliases)
