"""What the network learns from: MNIST, its digits distorted and redrawn, letters and signs written stroke by stroke."""
