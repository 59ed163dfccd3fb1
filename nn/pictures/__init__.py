"""The pictures that a network learns from: MNIST, distorted copies, and made-up ones."""
