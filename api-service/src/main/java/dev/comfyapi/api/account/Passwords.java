package dev.comfyapi.api.account;

import dev.comfyapi.api.http.ApiProblem;
import dev.comfyapi.api.http.Members;
import dev.comfyapi.api.http.ProblemCode;
import dev.comfyapi.api.http.Turn;

import org.jspecify.annotations.Nullable;
import org.springframework.security.crypto.bcrypt.BCryptPasswordEncoder;
import org.springframework.stereotype.Component;

import java.nio.charset.StandardCharsets;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;
import java.util.function.Supplier;

/// Hashes passwords with bcrypt, which takes a good part of a second on purpose. Thread-safe.
///
/// A quarter of the processors hash at one time, one at least, so that a flood of sign-ins takes no
/// more of the processors than that: who would have to wait for long is refused. No turn is held
/// meanwhile.
@Component
final class Passwords {

    private static final int LEAST = 12;

    /// What bcrypt takes; it would ignore the rest.
    private static final int MOST_BYTES = 72;

    private static final int MOST_WAITING = 16;
    private static final long PATIENCE_S = 2;

    private final BCryptPasswordEncoder encoder;
    private final Semaphore processors;
    private final Semaphore waiting = new Semaphore(MOST_WAITING);

    /// Compared with when nobody has the address: the answer comes no sooner then.
    private volatile @Nullable String nobodys;

    Passwords(UserProperties properties) {
        encoder = new BCryptPasswordEncoder(properties.strength());
        processors =
                new Semaphore(Math.max(1, Runtime.getRuntime().availableProcessors() / 4), true);
    }

    /// A new password, if it is one that is good enough.
    static Optional<String> read(Members members, String name) {
        var given = members.text(name, LEAST, MOST_BYTES);
        if (given.isPresent() && given.get().getBytes(StandardCharsets.UTF_8).length > MOST_BYTES) {
            members.problems()
                    .add(
                            members.pointer(name),
                            "too_long",
                            "must have at most %d bytes in UTF-8".formatted(MOST_BYTES),
                            Map.of("max", MOST_BYTES));
            return Optional.empty();
        }
        return given;
    }

    /// @throws ApiProblem when too many others are being hashed
    String encode(String password) {
        return bounded(() -> encoder.encode(password));
    }

    /// @param encoded null when there is none; takes as long, and is never so
    /// @throws ApiProblem when too many others are being hashed
    boolean isRight(String password, @Nullable String encoded) {
        var other = encoded == null ? nobodys() : encoded;
        return bounded(() -> encoder.matches(password, other)) && encoded != null;
    }

    /// Made when it is first needed: it takes as long as any, and many platforms have no users.
    private String nobodys() {
        var known = nobodys;
        if (known == null) {
            known = encode(OneTimeToken.random("").substring(0, LEAST));
            nobodys = known;
        }
        return known;
    }

    private <T> T bounded(Supplier<T> work) {
        if (!waiting.tryAcquire()) {
            throw tooMany();
        }
        try {
            Turn.current().giveUp();
            if (!processors.tryAcquire(PATIENCE_S, TimeUnit.SECONDS)) {
                throw tooMany();
            }
            try {
                return work.get();
            } finally {
                processors.release();
            }
        } catch (InterruptedException _) {
            Thread.currentThread().interrupt();
            throw tooMany();
        } finally {
            waiting.release();
        }
    }

    private static ApiProblem tooMany() {
        return ApiProblem.of(
                        ProblemCode.TEMPORARILY_OVERLOADED,
                        "Too many passwords are being checked just now.")
                .header("Retry-After", "5");
    }
}
