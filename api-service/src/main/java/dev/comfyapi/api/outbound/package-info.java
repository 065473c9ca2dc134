/// Connections to addresses that clients name, without lending them our place in the network.
@NullMarked
package dev.comfyapi.api.outbound;

import org.jspecify.annotations.NullMarked;
