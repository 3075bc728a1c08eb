/**
 * Networks of ternary layers on the library's public API, a BitNet b1.58 and a Qwen3-MoE, to be
 * read in this order: {@link org.ternarykernels.example.Model} with {@code BitNetLoader} and {@code
 * Qwen3MoeLoader} (the ternary layers), {@code AttentionLayers}, {@code DenseFeedForward} and
 * {@code ExpertFeedForward} (the halves of a block), {@link org.ternarykernels.example.Session} (a
 * text passing through them), {@code Attention} with {@code RotaryEmbedding}, then what uses a
 * session: {@link org.ternarykernels.example.TextGenerator} with {@link
 * org.ternarykernels.example.Sampler}, and {@link org.ternarykernels.example.Perplexity}.
 */
package org.ternarykernels.example;
