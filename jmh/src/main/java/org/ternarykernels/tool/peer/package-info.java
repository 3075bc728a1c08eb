/** Other implementations of the product, opened by the interface of ternary_peer.h. */
package org.ternarykernels.tool.peer;
