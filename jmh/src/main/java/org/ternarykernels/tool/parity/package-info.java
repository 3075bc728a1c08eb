/** {@code ternary parity}: the same texts, written on two backends. */
package org.ternarykernels.tool.parity;
