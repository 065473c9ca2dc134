package dev.comfyapi.api.account;

import dev.comfyapi.api.account.AuthProperties.Mode;

import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

import java.net.InetAddress;

/// Ends the start of a service that would let everybody in from everywhere, and says of any other
/// who gets in.
final class LoopbackOnly {

    private static final Logger LOG = LoggerFactory.getLogger(LoopbackOnly.class);

    LoopbackOnly(AuthProperties properties, @Nullable InetAddress address) {
        if (properties.mode() == Mode.OPEN) {
            if (address == null || !address.isLoopbackAddress()) {
                throw new IllegalStateException(
                        ("comfyapi.auth.mode is open, but server.address is %s: without keys the"
                                        + " service listens on a loopback address only. Set"
                                        + " comfyapi.auth.mode=keys and make the first key with"
                                        + " create-admin-key")
                                .formatted(address == null ? "not set" : address.getHostAddress()));
            }
            LOG.warn(
                    "No keys are needed (comfyapi.auth.mode=open): everybody on this machine may do"
                            + " everything");
        } else {
            LOG.info(
                    "Callers need an API key (comfyapi.auth.mode=keys). Started with {} and the same"
                            + " configuration, this program prints a key that may do everything",
                    AdminKeyCommand.NAME);
        }
    }
}
