# SPDX-License-Identifier: GPL-3.0-or-later
"""What bluetoothd knows already: bleak-connection-manager 0.1.0 looks there before it searches, on
any adapter and whatever the age. One bus connection is kept, as there."""
from bleak.backends.device import BLEDevice
from dbus_fast import BusType, Message, MessageType
from dbus_fast.aio import MessageBus

DEVICE = "org.bluez.Device1"


class Known:
    def __init__(self):
        self.bus = None

    async def find(self, address):
        """A device for BleakClient, or None."""
        if self.bus is None or not self.bus.connected:
            self.bus = await MessageBus(bus_type=BusType.SYSTEM).connect()
        reply = await self.bus.call(Message(
            destination="org.bluez", path="/", interface="org.freedesktop.DBus.ObjectManager",
            member="GetManagedObjects"))
        if reply.message_type == MessageType.ERROR:
            return None
        for path, interfaces in reply.body[0].items():
            properties = interfaces.get(DEVICE, {})
            if "Address" in properties and properties["Address"].value == address:
                return BLEDevice(address, address, {"path": path, "props": {
                    name: variant.value for name, variant in properties.items()}}, 0)
        return None
