import torch
from torch import nn

from streetclip.model.backbone import create_backbone
from streetclip.model.image import fastest_layout


def test_only_towers_of_several_convolutions_have_channels_last() -> None:
    one = nn.Sequential(nn.Conv2d(3, 4, 2), nn.Linear(4, 4))
    two = nn.Sequential(nn.Conv2d(3, 4, 2), nn.Conv2d(4, 4, 2))
    assert fastest_layout(one) == torch.contiguous_format
    assert fastest_layout(two) == torch.channels_last


def test_the_layout_changes_no_feature() -> None:
    backbone = create_backbone("experiments/models/tiny_resnet_64.json", seed=0).eval()
    image = torch.rand(2, 3, 64, 64)
    convolution = next(m for m in backbone.clip.modules() if isinstance(m, nn.Conv2d))
    assert convolution.weight.is_contiguous(memory_format=torch.channels_last)
    with torch.no_grad():
        fast = backbone.encode_image(image)
        backbone.clip.to(memory_format=torch.contiguous_format)
        plain = backbone.encode_image(image)
    torch.testing.assert_close(fast, plain, atol=1e-5, rtol=0)
