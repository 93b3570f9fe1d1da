"""The public names of privbench and where they are defined; ``__init__.py`` reads this file."""

from privbench.api import run as run
from privbench.attacks.base import Attack as Attack
from privbench.attacks.base import BatchedAttack as BatchedAttack
from privbench.attacks.base import Model as Model
from privbench.attacks.base import View as View
from privbench.attacks.base import Views as Views
from privbench.attacks.outputs import Outputs as Outputs
from privbench.attacks.synthetic import BatchedSyntheticAttack as BatchedSyntheticAttack
from privbench.attacks.synthetic import SyntheticAttack as SyntheticAttack
from privbench.attacks.synthetic import SyntheticView as SyntheticView
from privbench.attacks.synthetic import SyntheticViews as SyntheticViews
from privbench.auditing import audit as audit
from privbench.auditing.synthetic.run import audit_data as audit_data
from privbench.auditing.training import audit_training as audit_training
from privbench.components import Component as Component
from privbench.data import Column as Column
from privbench.data import Data as Data
from privbench.data import DataSpec as DataSpec
from privbench.datasets.base import Dataset as Dataset
from privbench.datasets.files import FileDataset as FileDataset
from privbench.datasets.files import RemoteFile as RemoteFile
from privbench.errors import BadInput as BadInput
from privbench.errors import DataError as DataError
from privbench.errors import DatasetUnavailable as DatasetUnavailable
from privbench.errors import Incompatible as Incompatible
from privbench.errors import PrivbenchError as PrivbenchError
from privbench.executors.base import Executor as Executor
from privbench.executors.tasks import Task as Task
from privbench.executors.tasks import Tasks as Tasks
from privbench.executors.work import work as work
from privbench.generators.base import FittedGenerator as FittedGenerator
from privbench.generators.base import FittedSampler as FittedSampler
from privbench.generators.base import Generator as Generator
from privbench.generators.base import SamplingGenerator as SamplingGenerator
from privbench.hookspecs import hookimpl as hookimpl
from privbench.mechanisms.base import DataMechanism as DataMechanism
from privbench.mechanisms.base import LatentMechanism as LatentMechanism
from privbench.mechanisms.base import OutputContext as OutputContext
from privbench.mechanisms.base import OutputMechanism as OutputMechanism
from privbench.mechanisms.base import PerExampleLoss as PerExampleLoss
from privbench.mechanisms.base import TrainingLoop as TrainingLoop
from privbench.mechanisms.base import TrainingMechanism as TrainingMechanism
from privbench.mechanisms.base import TrainingTask as TrainingTask
from privbench.models.base import Estimator as Estimator
from privbench.models.base import EstimatorModel as EstimatorModel
from privbench.models.base import TorchModel as TorchModel
from privbench.privacy import Condition as Condition
from privbench.privacy import Guarantee as Guarantee
from privbench.privacy import GuaranteeContext as GuaranteeContext
from privbench.privacy.sampled_gaussian import SampledGaussianSteps as SampledGaussianSteps

__version__: str
__all__: list[str]
