# Rules of the job's life, on reports made for the purpose
#
# Copyright (C) 2026 The Moonfleet authors
#
# This file may be distributed under the terms of the GNU GPLv3 license.
"""The facts behind each are in docs/bambu.md."""

from __future__ import annotations

import pytest
from moonfleet.core.model import JobPhase, PrintState, Severity

from .talk import CANCEL, Talk


@pytest.mark.parametrize(
    ("word", "state", "phase"),
    [
        ("IDLE", PrintState.STANDBY, JobPhase.NONE),
        ("INIT", PrintState.STANDBY, JobPhase.NONE),
        ("", PrintState.STANDBY, JobPhase.NONE),
        ("PREPARE", PrintState.PRINTING, JobPhase.ACTIVE),
        ("SLICING", PrintState.PRINTING, JobPhase.ACTIVE),
        ("RUNNING", PrintState.PRINTING, JobPhase.ACTIVE),
        ("PAUSE", PrintState.PAUSED, JobPhase.PAUSED),
        ("FINISH", PrintState.COMPLETE, JobPhase.COMPLETED),
        ("FAILED", PrintState.ERROR, JobPhase.FAILED),
    ],
)
def test_states(word: str, state: PrintState, phase: JobPhase) -> None:
    snapshot = Talk().full(gcode_state=word)
    assert snapshot.state is state
    assert snapshot.job_report.phase is phase


@pytest.mark.parametrize("gap", [-10.0, -2.0, 0.0, 4.65, 14.0])
def test_cancel_code_on_either_side_of_the_end(gap: float) -> None:
    talk = Talk()
    talk.full(0.0, gcode_state="RUNNING", print_error=0)
    end = 100.0
    if gap < 0:
        talk.delta(end + gap, print_error=CANCEL)
        snapshot = talk.delta(end, gcode_state="FAILED")
        talk.delta(end + 1, print_error=0)
    elif gap == 0:
        snapshot = talk.delta(end, gcode_state="FAILED", print_error=CANCEL)
    else:
        assert talk.delta(end, gcode_state="FAILED").state is PrintState.ERROR
        snapshot = talk.delta(end + gap, print_error=CANCEL)
    assert snapshot.state is PrintState.CANCELLED
    assert snapshot.job_report.cancel_echo
    assert talk.reports.snapshot.state is PrintState.CANCELLED


@pytest.mark.parametrize("gap", [-40.0, 40.0])
def test_a_cancel_code_far_from_the_end_is_not_its_reason(gap: float) -> None:
    talk = Talk()
    talk.full(0.0, gcode_state="RUNNING", print_error=0)
    for now, body in sorted(
        [(100.0, {"gcode_state": "FAILED"}), (100.0 + gap, {"print_error": CANCEL})],
        key=lambda item: item[0],
    ):
        snapshot = talk.delta(now, **body)
    assert snapshot.state is PrintState.ERROR


def test_a_code_left_from_the_last_job_does_not_cancel_the_next() -> None:
    talk = Talk()
    talk.full(0.0, gcode_state="FAILED", print_error=CANCEL)
    talk.delta(10.0, gcode_state="RUNNING", subtask_name="next")
    snapshot = talk.delta(20.0, gcode_state="FAILED")
    assert snapshot.state is PrintState.ERROR
    assert not snapshot.job_report.cancel_echo


def test_a_start_and_its_cancel_within_one_report() -> None:
    talk = Talk()
    talk.full(0.0, gcode_state="IDLE", print_error=0)
    talk.delta(1.0, gcode_state="RUNNING", print_error=CANCEL)
    assert talk.delta(3.0, gcode_state="FAILED").state is PrintState.CANCELLED
    # seen for the first time while something runs, the code may be anybody's
    talk = Talk()
    talk.full(0.0, gcode_state="RUNNING", print_error=CANCEL)
    assert talk.delta(3.0, gcode_state="FAILED").state is PrintState.ERROR


def test_our_own_stop_is_a_cancel_even_without_a_code() -> None:
    talk = Talk()
    talk.full(0.0, gcode_state="RUNNING")
    talk.reports.own_stop(50.0)
    assert talk.delta(51.0, gcode_state="FAILED").state is PrintState.CANCELLED
    talk.delta(60.0, gcode_state="RUNNING")
    assert talk.delta(61.0, gcode_state="FAILED").state is PrintState.ERROR
    talk.delta(70.0, gcode_state="RUNNING")
    talk.reports.own_stop(71.0)
    assert talk.delta(72.0, gcode_state="IDLE").job_report.cancel_echo


def test_errors_never_change_the_state_of_a_print() -> None:
    talk = Talk()
    talk.full(gcode_state="RUNNING", print_error=0)
    hms = [{"attr": 0x07000100, "code": 0x00010001}, {"attr": 0, "code": 0}, "junk", {"attr": "x"}]
    snapshot = talk.delta(print_error=-2147450881, hms=hms)
    assert snapshot.state is PrintState.PRINTING
    assert [f.code for f in snapshot.faults] == ["8000_7FFF", "0700_0100_0001_0001"]
    assert snapshot.faults[1].severity is Severity.FATAL


def test_numbers_that_lie_around_a_start_and_an_end() -> None:
    talk = Talk()
    talk.full(gcode_state="FINISH", mc_percent=100, layer_num=750, total_layer_num=750)
    snapshot = talk.delta(gcode_state="RUNNING", mc_percent=0, total_layer_num=94)
    assert snapshot.job is not None
    assert (snapshot.job.layer, snapshot.job.layers) == (None, 94)
    talk.delta(layer_num=50, mc_percent=53, mc_remaining_time=12)
    snapshot = talk.delta(gcode_state="FAILED", mc_percent=0, layer_num=0)
    assert snapshot.job is not None
    assert snapshot.job.progress == 0.53
    assert snapshot.job.layer == 50
    assert snapshot.job.time_left is None  # 12 minutes are a leftover


def test_identity() -> None:
    talk = Talk()
    body = {"gcode_state": "RUNNING", "subtask_name": "part", "gcode_file": "a/part.gcode"}
    report = talk.full(**body, print_type="cloud", subtask_id="690732217").job_report
    assert report.unique and not report.system
    after = talk.delta(gcode_state="FINISH", print_type="idle").job_report
    assert (after.identity, after.unique) == (report.identity, True)
    report = talk.full(**body, print_type="local", subtask_id="0", task_id="0").job_report
    assert not report.unique and report.identity == "|part"
    # names may be missing, then the file speaks
    assert Talk().full(gcode_file="x/y.gcode").job_report.identity == "|y.gcode"
    assert Talk().full(gcode_state="IDLE").job_report.identity is None


def test_a_calibration_is_no_job() -> None:
    talk = Talk()
    report = talk.full(
        gcode_state="RUNNING",
        print_type="system",
        gcode_file="/usr/etc/print/auto_cali_for_user_param.gcode",
        subtask_name="auto_pa_line_calib_mode",
    ).job_report
    assert report.system
    assert talk.delta(gcode_state="FINISH", print_type="idle").job_report.system


def test_preparing_is_told() -> None:
    talk = Talk()
    assert talk.full(gcode_state="PREPARE").job_report.preparing
    assert not talk.delta(gcode_state="RUNNING").job_report.preparing


def test_silence_about_the_state_is_held() -> None:
    snapshot = Talk().full(nozzle_temper=20)
    assert snapshot.state is None
    assert snapshot.job_report.phase is JobPhase.HELD


@pytest.mark.parametrize(
    ("stage", "state", "words"),
    [
        (0, "RUNNING", "printing"),
        (0, "IDLE", None),
        (-1, "RUNNING", None),
        (255, "PREPARE", "preparing"),
        (14, "RUNNING", "cleaning the nozzle"),
        (199, "RUNNING", "stage_199"),
    ],
)
def test_stages(stage: int, state: str, words: str | None) -> None:
    assert Talk().full(stg_cur=stage, gcode_state=state).stage == words
