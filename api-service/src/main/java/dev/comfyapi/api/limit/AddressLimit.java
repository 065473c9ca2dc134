package dev.comfyapi.api.limit;

import com.github.benmanes.caffeine.cache.Cache;
import com.github.benmanes.caffeine.cache.Caffeine;

import dev.comfyapi.api.http.ApiProblem;
import dev.comfyapi.api.http.ProblemCode;

import io.github.bucket4j.Bucket;
import io.github.bucket4j.ConsumptionProbe;

import org.springframework.stereotype.Component;

import java.net.Inet6Address;
import java.net.InetAddress;
import java.time.Duration;
import java.util.HexFormat;
import java.util.Optional;
import java.util.concurrent.TimeUnit;

/// Counts what comes from one address before it is known who sends it, so that neither guessing
/// keys nor knocking at open doors is free. What shows a good key is given back: it counts against
/// its tenant instead. Thread-safe.
///
/// Each instance counts for itself, in bounded memory: of very many addresses the least active are
/// forgotten. A network of IPv6 that one customer has is one address.
@Component
public final class AddressLimit {

    private static final Duration WINDOW = Duration.ofMinutes(1);
    private static final int CUSTOMER_BYTES = 8;

    private final int most;
    private final Cache<String, Bucket> buckets =
            Caffeine.newBuilder().maximumSize(100_000).expireAfterAccess(WINDOW).build();

    AddressLimit(LimitProperties properties) {
        this.most = properties.perAddress();
    }

    /// Counts a request; answers what is wrong when it is one too many.
    ///
    /// @param address in digits
    public Optional<ApiProblem> take(String address) {
        if (most == 0) {
            return Optional.empty();
        }
        ConsumptionProbe probe = bucket(address).tryConsumeAndReturnRemaining(1);
        if (probe.isConsumed()) {
            return Optional.empty();
        }
        long seconds = 1 + TimeUnit.NANOSECONDS.toSeconds(probe.getNanosToWaitForRefill());
        return Optional.of(
                ApiProblem.of(
                                ProblemCode.RATE_LIMITED,
                                "Too many requests without a good key from this address.")
                        .violating("address", most, 0)
                        .resetting(seconds));
    }

    /// The request showed a good key.
    public void giveBack(String address) {
        if (most > 0) {
            bucket(address).addTokens(1);
        }
    }

    private Bucket bucket(String address) {
        return buckets.get(
                network(address),
                _ ->
                        Bucket.builder()
                                .addLimit(limit ->
                                        limit.capacity(most).refillIntervally(most, WINDOW))
                                .build());
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
