"""Early stopping where there is nothing to learn."""

from privbench.mechanisms.early_stopping import EarlyStopping
from privbench.models.mlp import Mlp

from .training import differ, reference_losses, task


def test_early_stopping_stops_where_there_is_nothing_to_learn():
    model = Mlp(hidden=(16,), epochs=12, batch_size=20, lr=0.3)
    stopped = reference_losses(EarlyStopping().train_population(task(model)))
    last = reference_losses(task(model).train())
    assert (stopped <= last + 1e-6).all()
    assert (stopped < last - 0.1).all()


def test_patience_waits_for_better_epochs():
    whole = task(Mlp(hidden=(16,), epochs=12, batch_size=4, lr=0.05, momentum=0))
    hasty, patient = (EarlyStopping(patience=p).train_population(whole) for p in (1, 9))
    assert (reference_losses(patient) <= reference_losses(hasty) + 1e-6).all()
    assert differ(hasty, patient)
