/**
 * JMH benchmarks. They are in the tool's jar, and {@code ternary bench --jmh} runs them with GB/s
 * and GOPS. JMH finds names by a part of them, so that none is a part of another. Without the tool:
 *
 * <pre>
 *   java -cp jmh/target/ternary.jar org.openjdk.jmh.Main -l
 *   java -cp jmh/target/ternary.jar org.openjdk.jmh.Main LinearBenchmark -p shape=bitnet-2b-4t/o -p m=1,8 -rf json
 *   java -cp jmh/target/ternary.jar org.openjdk.jmh.Main CallOverheadBenchmark -prof gc
 * </pre>
 */
package org.ternarykernels.benchmark;
