package org.ternarykernels.example;

/** One block of a network. */
record Block(AttentionLayers attention, FeedForward feedForward) {}
