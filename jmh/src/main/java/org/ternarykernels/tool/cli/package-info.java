/** The command line {@code ternary}: a class a command, and what the commands are made of. */
package org.ternarykernels.tool.cli;
