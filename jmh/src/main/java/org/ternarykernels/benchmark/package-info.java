/**
 * JMH benchmarks. They are in the tool's jar:
 *
 * <pre>
 *   java -cp jmh/target/ternary.jar org.openjdk.jmh.Main -l
 *   java -cp jmh/target/ternary.jar org.openjdk.jmh.Main LinearBenchmark -p shape=bitnet-2b-4t/o -p m=1,8 -rf json
 *   java -cp jmh/target/ternary.jar org.openjdk.jmh.Main CallOverheadBenchmark -prof gc
 * </pre>
 */
package org.ternarykernels.benchmark;
