/** {@code ternary tune}: trials that find the values of a tuning file. */
package org.ternarykernels.tool.tune;
