/**
 * A BitNet b1.58 network on the library's public API, to be read in this order: {@link
 * org.ternarykernels.example.Model} (the ternary layers), {@link
 * org.ternarykernels.example.Session} (a text passing through them), {@code Attention} with
 * {@code RotaryEmbedding}, then what uses a session: {@link
 * org.ternarykernels.example.TextGenerator} with {@link org.ternarykernels.example.Sampler}, and
 * {@link org.ternarykernels.example.Perplexity}.
 */
package org.ternarykernels.example;
