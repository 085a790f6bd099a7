# A micro-controller in Python: thermistors and heaters on a pseudo terminal
#
# Copyright (C) 2026 The Moonfleet authors
#
# This file may be distributed under the terms of the GNU GPLv3 license.
"""Lets an unmodified klippy run with its real threads: ADC readings arrive on its serial thread.

Knows what heaters need and nothing else. Pins: ``H0``, ``H1``, ... heat plant 0, 1, ...;
``T0``, ``T1``, ... are their sensors, linear, 0..500 C over the whole range.
"""

import json
import os
import select
import struct
import time
import tty
import zlib

FREQ = 50000000
ADC_MAX = 4095
FULL_SCALE = 500.0
SYNC = 0x7E
COMMANDS = (
    "get_uptime",
    "get_clock",
    "get_config",
    "allocate_oids count=%c",
    "finalize_config crc=%u",
    "reset",
    "emergency_stop",
    "clear_shutdown",
    "config_digital_out oid=%c pin=%u value=%c default_value=%c max_duration=%u",
    "set_digital_out_pwm_cycle oid=%c cycle_ticks=%u",
    "queue_digital_out oid=%c clock=%u on_ticks=%u",
    "update_digital_out oid=%c value=%c",
    "config_analog_in oid=%c pin=%u",
    "query_analog_in oid=%c clock=%u sample_ticks=%u sample_count=%c rest_ticks=%u"
    " min_value=%hu max_value=%hu range_check_count=%c",
)
RESPONSES = (
    "uptime high=%u clock=%u",
    "clock clock=%u",
    "config is_config=%c crc=%u is_shutdown=%c move_count=%hu",
    "analog_in_state oid=%c next_clock=%u value=%hu",
    "stats count=%u sum=%u sumsq=%u",
    "shutdown clock=%u static_string_id=%hu",
    "is_shutdown static_string_id=%hu",
    "starting",
)


def crc16(data):
    crc = 0xFFFF
    for byte in data:
        byte ^= crc & 0xFF
        byte ^= (byte & 0x0F) << 4
        crc = ((byte << 8) | (crc >> 8)) ^ (byte >> 4) ^ (byte << 3)
        crc &= 0xFFFF
    return struct.pack(">H", crc)


def encode_int(value):
    out = []
    for shift, high, low in ((28, 0xC000000, -0x4000000), (21, 0x180000, -0x80000)):
        if value >= high or value < low:
            out.append((value >> shift) & 0x7F | 0x80)
    if value >= 0x3000 or value < -0x1000:
        out.append((value >> 14) & 0x7F | 0x80)
    if value >= 0x60 or value < -0x20:
        out.append((value >> 7) & 0x7F | 0x80)
    out.append(value & 0x7F)
    return bytes(out)


def decode_int(data, position):
    byte = data[position]
    value = byte & 0x7F
    if (byte & 0x60) == 0x60:
        value |= -0x20
    while byte & 0x80:
        position += 1
        byte = data[position]
        value = (value << 7) | (byte & 0x7F)
    return value & 0xFFFFFFFF, position + 1


class Analog:
    def __init__(self, plant):
        self.plant = plant
        self.due = None
        self.rest = 0
        self.count = 1


class FakeMcu:
    def __init__(self, link, plants):
        self.plants = plants
        self.master, self.slave = os.openpty()
        tty.setraw(self.slave)
        os.set_blocking(self.master, False)
        self.link = link
        os.symlink(os.ttyname(self.slave), link)
        self.ids = {"identify_response offset=%u data=%.*s": 0, "identify offset=%u count=%c": 1}
        for text in (*COMMANDS, *RESPONSES):
            self.ids.setdefault(text, len(self.ids))
        self.names = {self.ids[text]: text.split()[0] for text in COMMANDS}
        self.names[1] = "identify"
        self.counts = {self.ids[t]: t.count("=") for t in COMMANDS}
        self.counts[1] = 2
        self.identity = zlib.compress(json.dumps(self._dictionary()).encode())
        self.sequence = 0
        self.incoming = b""
        self.config_crc = None
        self.down = False
        self.heaters = {}
        self.cycles = {}
        self.sensors = {}
        self.running = True

    def _dictionary(self):
        pins = {}
        for index in range(len(self.plants)):
            pins[f"H{index}"] = index
            pins[f"T{index}"] = 100 + index
        return {
            "commands": {t: self.ids[t] for t in (*COMMANDS, "identify offset=%u count=%c")},
            "responses": {
                t: self.ids[t] for t in (*RESPONSES, "identify_response offset=%u data=%.*s")
            },
            "enumerations": {"pin": pins, "static_string_id": {"Command request": 2}},
            "config": {
                "MCU": "fake",
                "CLOCK_FREQ": FREQ,
                "ADC_MAX": ADC_MAX,
                "PWM_MAX": 255,
                "STATS_SUMSQ_BASE": 256,
                "RECEIVE_WINDOW": 192,
            },
            "version": "fake",
            "build_versions": "none",
            "app": "Klipper",
        }

    @staticmethod
    def clock():
        return int(time.monotonic() * FREQ)

    def _full_clock(self, low):
        """A 32 bit clock near now."""
        now = self.clock()
        return now + ((low - now + 0x80000000) & 0xFFFFFFFF) - 0x80000000

    # -- the wire
    def run(self):
        """Serve until `running` is set to False."""
        while self.running:
            ready, _, _ = select.select([self.master], [], [], 0.02)
            if ready:
                try:
                    self.incoming += os.read(self.master, 4096)
                except OSError:
                    pass  # nobody has the other end open
                self._parse()
            self._sample()

    def close(self):
        os.close(self.master)
        os.close(self.slave)
        os.unlink(self.link)

    def _parse(self):
        while len(self.incoming) >= 5:
            length = self.incoming[0]
            if not 5 <= length <= 64:
                self.incoming = self.incoming[1:]
                continue
            if len(self.incoming) < length:
                return
            block = self.incoming[:length]
            if block[-1] != SYNC or crc16(block[:-3]) != block[-3:-1]:
                self.incoming = self.incoming[1:]
                continue
            self.incoming = self.incoming[length:]
            if block[1] & 0x0F == self.sequence:
                self.sequence = (self.sequence + 1) & 0x0F
                # answers first: the host looks for them as soon as it sees the acknowledgement
                self._handle(block[2:-3])
                self._send_block(b"")
            else:
                self._send_block(b"")  # says which one is expected

    def _send_block(self, payload):
        block = bytes([len(payload) + 5, 0x10 | self.sequence]) + payload
        try:
            os.write(self.master, block + crc16(block) + bytes([SYNC]))
        except OSError:
            pass  # the host will ask again

    def _send(self, text, *values):
        payload = encode_int(self.ids[text])
        for value in values:
            if isinstance(value, bytes):
                payload += bytes([len(value)]) + value
            else:
                payload += encode_int(value)
        self._send_block(payload)

    # -- commands
    def _handle(self, payload):
        position = 0
        while position < len(payload):
            number, position = decode_int(payload, position)
            values = []
            for _ in range(self.counts[number]):
                value, position = decode_int(payload, position)
                values.append(value)
            handler = getattr(self, "_on_" + self.names[number], None)
            if handler is not None:
                handler(*values)

    def _on_identify(self, offset, count):
        data = self.identity[offset : offset + count]
        self._send("identify_response offset=%u data=%.*s", offset, data)

    def _on_get_uptime(self):
        clock = self.clock()
        self._send("uptime high=%u clock=%u", clock >> 32, clock & 0xFFFFFFFF)

    def _on_get_clock(self):
        self._send("clock clock=%u", self.clock() & 0xFFFFFFFF)

    def _on_get_config(self):
        self._send(
            "config is_config=%c crc=%u is_shutdown=%c move_count=%hu",
            int(self.config_crc is not None),
            self.config_crc or 0,
            int(self.down),
            500,
        )

    def _on_finalize_config(self, crc):
        self.config_crc = crc

    def _on_reset(self):
        self.config_crc, self.down = None, False
        self.sensors.clear()

    def _on_emergency_stop(self):
        self.down = True
        now = time.monotonic()
        for plant in self.heaters.values():
            plant.set_power(now, 0.0)
        self._send("shutdown clock=%u static_string_id=%hu", self.clock() & 0xFFFFFFFF, 2)

    def _on_clear_shutdown(self):
        self.down = False

    def _on_config_digital_out(self, oid, pin, value, default, duration):
        self.heaters[oid] = self.plants[pin]

    def _on_set_digital_out_pwm_cycle(self, oid, ticks):
        self.cycles[oid] = ticks

    def _on_queue_digital_out(self, oid, clock, on_ticks):
        when = self._full_clock(clock) / FREQ
        self.heaters[oid].set_power(when, min(1.0, on_ticks / self.cycles[oid]))

    def _on_update_digital_out(self, oid, value):
        self.heaters[oid].set_power(time.monotonic(), float(bool(value)))

    def _on_config_analog_in(self, oid, pin):
        self.sensors[oid] = Analog(self.plants[pin - 100])

    def _on_query_analog_in(self, oid, clock, ticks, count, rest, low, high, checks):
        sensor = self.sensors[oid]
        sensor.count, sensor.rest = count, rest
        sensor.due = self._full_clock(clock)

    def _sample(self):
        now = self.clock()
        for oid, sensor in list(self.sensors.items()):
            while not self.down and sensor.due is not None and sensor.due <= now:
                temp = sensor.plant.advance(sensor.due / FREQ)
                sensor.due += sensor.rest
                share = min(1.0, max(0.0, temp / FULL_SCALE))
                self._send(
                    "analog_in_state oid=%c next_clock=%u value=%hu",
                    oid,
                    sensor.due & 0xFFFFFFFF,
                    round(share * sensor.count * ADC_MAX),
                )
