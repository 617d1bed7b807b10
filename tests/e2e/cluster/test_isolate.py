import signal


def test_ctrl_c_reaches_what_runs_inside() -> None:
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
