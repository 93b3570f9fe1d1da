"""Register the components that ship with privbench, through the same hooks as any plugin."""

from __future__ import annotations

from privbench.hookspecs import Register, hookimpl


@hookimpl
def register_datasets(register: Register) -> None:
    """Register datasets: embedded ones, downloads, and the files of users."""
    from privbench.datasets.adult import Adult
    from privbench.datasets.cifar10 import Cifar10
    from privbench.datasets.csv import Csv
    from privbench.datasets.digits import Digits
    from privbench.datasets.image_folder import ImageFolder
    from privbench.datasets.location30 import Location30
    from privbench.datasets.mnist import FashionMnist, Mnist
    from privbench.datasets.npz import Npz

    for cls in (Digits, Location30, Adult, Mnist, FashionMnist, Cifar10, Csv, Npz, ImageFolder):
        register(cls)


@hookimpl
def register_generators(register: Register) -> None:
    """Register generators."""
    from privbench.generators.gaussian_copula import GaussianCopula
    from privbench.generators.vae import Vae

    for cls in (Vae, GaussianCopula):
        register(cls)


@hookimpl
def register_mechanisms(register: Register) -> None:
    """Register mechanisms on records, on codes, on training and on outputs."""
    from privbench.mechanisms.adversarial_regularization import AdversarialRegularization
    from privbench.mechanisms.ccl import ConvexConcaveLoss
    from privbench.mechanisms.data_free_distillation import DataFreeDistillation
    from privbench.mechanisms.distillation import Distillation
    from privbench.mechanisms.dp_sgd import DpSgd
    from privbench.mechanisms.dropout import Dropout
    from privbench.mechanisms.early_stopping import EarlyStopping
    from privbench.mechanisms.gaussian_codes import GaussianCodes
    from privbench.mechanisms.hamp import Hamp, HampOutput
    from privbench.mechanisms.input_noise import InputNoise
    from privbench.mechanisms.label_only import LabelOnlyOutput
    from privbench.mechanisms.label_smoothing import LabelSmoothing
    from privbench.mechanisms.memguard import MemGuard
    from privbench.mechanisms.metric_privacy import MetricPrivacy
    from privbench.mechanisms.mist import Mist
    from privbench.mechanisms.mixup import Mixup
    from privbench.mechanisms.mmd import Mmd
    from privbench.mechanisms.output_noise import OutputNoise
    from privbench.mechanisms.public_only import PublicOnly
    from privbench.mechanisms.randomized_response import RandomizedResponse
    from privbench.mechanisms.relaxloss import RelaxLoss
    from privbench.mechanisms.rounding import Rounding
    from privbench.mechanisms.selena import Selena
    from privbench.mechanisms.temperature import Temperature
    from privbench.mechanisms.top_k import TopK
    from privbench.mechanisms.weight_decay import WeightDecay

    on_records = (PublicOnly, InputNoise, RandomizedResponse)
    on_codes = (MetricPrivacy, GaussianCodes)
    on_training = (
        DpSgd, WeightDecay, Dropout, EarlyStopping, LabelSmoothing, Mixup, RelaxLoss,
        ConvexConcaveLoss, Hamp, AdversarialRegularization, Mmd, Distillation, DataFreeDistillation,
        Selena, Mist,
    )  # fmt: skip
    on_outputs = (OutputNoise, Temperature, Rounding, TopK, LabelOnlyOutput, MemGuard, HampOutput)
    for cls in (*on_records, *on_codes, *on_training, *on_outputs):
        register(cls)


@hookimpl
def register_models(register: Register) -> None:
    """Register target models."""
    from privbench.models.cnn import Cnn
    from privbench.models.logistic import Logistic
    from privbench.models.mlp import Mlp
    from privbench.models.resnet9 import ResNet9

    for cls in (Mlp, Logistic, Cnn, ResNet9):
        register(cls)


@hookimpl
def register_attacks(register: Register) -> None:
    """Register attacks on outputs, on parameters and on released data."""
    from privbench.attacks.attack_p import AttackP
    from privbench.attacks.attack_r import AttackR
    from privbench.attacks.auto import Auto
    from privbench.attacks.base_attack import BaseAttack
    from privbench.attacks.calibration import Calibration
    from privbench.attacks.confidence import Confidence
    from privbench.attacks.dcr import Dcr
    from privbench.attacks.density_ratio import DensityRatio
    from privbench.attacks.domias import Domias
    from privbench.attacks.entropy import Entropy
    from privbench.attacks.gan_leaks import GanLeaks
    from privbench.attacks.gap import Gap
    from privbench.attacks.gen_lra import GenLra
    from privbench.attacks.gradient import Gradient
    from privbench.attacks.groundhog import Groundhog
    from privbench.attacks.info_rmia import InfoRmia
    from privbench.attacks.label_only import LabelOnly
    from privbench.attacks.lira import Lira
    from privbench.attacks.logan import Logan
    from privbench.attacks.loss import Loss
    from privbench.attacks.ml_leaks import MlLeaks
    from privbench.attacks.modified_entropy import ModifiedEntropy
    from privbench.attacks.monte_carlo import MonteCarlo
    from privbench.attacks.oslo import Oslo
    from privbench.attacks.pmia import Pmia
    from privbench.attacks.quantile import Quantile
    from privbench.attacks.rmia import Rmia
    from privbench.attacks.shadow_density import ShadowDensity
    from privbench.attacks.shokri import Shokri

    for cls in (
        Gap, Loss, Confidence, Entropy, ModifiedEntropy, Shokri, MlLeaks, Lira, Rmia, InfoRmia,
        BaseAttack, AttackP, AttackR, Calibration, Quantile, Pmia, LabelOnly, Oslo, Gradient, Auto,
        Dcr, GanLeaks, MonteCarlo, Logan, Domias, DensityRatio, GenLra, Groundhog, ShadowDensity,
    ):  # fmt: skip
        register(cls)


@hookimpl
def register_executors(register: Register) -> None:
    """Register executors."""
    from privbench.executors.local import Local
    from privbench.executors.processes import Processes

    register(Local)
    register(Processes)
