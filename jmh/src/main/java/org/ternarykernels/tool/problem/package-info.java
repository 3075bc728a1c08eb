/** What is computed: shapes, random operands, and the model and shapes in the jar. */
package org.ternarykernels.tool.problem;
