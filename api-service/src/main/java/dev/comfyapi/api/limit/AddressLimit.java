package dev.comfyapi.api.limit;

import dev.comfyapi.api.http.ApiProblem;
import dev.comfyapi.api.http.ProblemCode;

import org.springframework.stereotype.Component;

import java.net.Inet6Address;
import java.net.InetAddress;
import java.util.HexFormat;
import java.util.Optional;

/// Counts what comes from one address before it is known who sends it, so that neither guessing
/// keys nor knocking at open doors is free. What shows a good key is given back: it counts against
/// its tenant instead. Thread-safe.
///
/// A network of IPv6 that one customer has is one address.
@Component
public final class AddressLimit {

    private static final int CUSTOMER_BYTES = 8;

    private final int most;
    private final MinuteBuckets buckets;

    AddressLimit(LimitProperties properties) {
        this.most = properties.perAddress();
        this.buckets = new MinuteBuckets(Math.max(1, most));
    }

    /// Counts a request; answers what is wrong when it is one too many.
    ///
    /// @param address in digits
    public Optional<ApiProblem> take(String address) {
        if (most == 0) {
            return Optional.empty();
        }
        var full = buckets.take(network(address));
        return full.isEmpty()
                ? Optional.empty()
                : Optional.of(
                        ApiProblem.of(
                                        ProblemCode.RATE_LIMITED,
                                        "Too many requests without a good key from this address.")
                                .violating("address", most, 0)
                                .resetting(full.getAsLong()));
    }

    /// The request showed a good key.
    public void giveBack(String address) {
        if (most > 0) {
            buckets.giveBack(network(address));
        }
    }

    /// What counts as one address.
    public static String network(String address) {
        try {
            return address.indexOf(':') >= 0
                            && InetAddress.ofLiteral(address) instanceof Inet6Address six
                    ? HexFormat.of().formatHex(six.getAddress(), 0, CUSTOMER_BYTES)
                    : address;
        } catch (IllegalArgumentException _) {
            // Some proxies forward an address with its port.
            return address;
        }
    }
}
