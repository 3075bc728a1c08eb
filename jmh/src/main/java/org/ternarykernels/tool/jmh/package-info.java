/** Runs the JMH benchmarks for {@code ternary bench --jmh}, with rates beside their times. */
package org.ternarykernels.tool.jmh;
