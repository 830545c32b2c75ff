"""The towers, the contrastive loss and the LightningModule."""
