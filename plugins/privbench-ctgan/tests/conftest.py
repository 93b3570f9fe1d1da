"""Settings of pytest."""


def pytest_configure(config):
    """Let the dependencies of ``ctgan`` use modules that are deprecated."""
    for message in ("module 'sre_", ".*joblib", ".*torch.jit"):
        config.addinivalue_line("filterwarnings", f"ignore:{message}:DeprecationWarning")
