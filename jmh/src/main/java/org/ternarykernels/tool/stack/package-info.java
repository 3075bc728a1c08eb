/** The ternary layers of a model as a stack, through which decode steps go. */
package org.ternarykernels.tool.stack;
