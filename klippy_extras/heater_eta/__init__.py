# Heater ETA: predicts the second at which M109 and M190 will release
#
# Copyright (C) 2026 The Moonfleet authors
#
# This file may be distributed under the terms of the GNU GPLv3 license.


def load_config(config):
    from .heater_eta import HeaterEta

    return HeaterEta(config)


def load_config_prefix(config):
    from .heater_eta import load_override

    return load_override(config)
