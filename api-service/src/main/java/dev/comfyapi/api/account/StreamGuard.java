package dev.comfyapi.api.account;

import dev.comfyapi.api.http.Caller;
import dev.comfyapi.api.http.OpenStreams;
import dev.comfyapi.api.http.Scope;
import dev.comfyapi.db.account.AccountStore;
import dev.comfyapi.db.account.KeyRow;
import dev.comfyapi.db.account.KeyStore;
import dev.comfyapi.db.account.SessionStore;

import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.springframework.context.SmartLifecycle;
import org.springframework.stereotype.Component;

import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.util.Collection;
import java.util.Set;
import java.util.UUID;
import java.util.function.Function;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/// Ends the open streams of those who may not read any more: their key was revoked, has expired or
/// lost the scope, their token has expired, their session has ended, or their tenant is being
/// deleted. They were let in when that was not so, and nobody would ask them again.
///
/// Three statements every two seconds, and none while nobody streams.
@Component
final class StreamGuard implements SmartLifecycle {

    private static final Logger LOG = LoggerFactory.getLogger(StreamGuard.class);
    private static final Duration PAUSE = Duration.ofSeconds(2);

    private final OpenStreams streams;
    private final KeyStore keys;
    private final AccountStore tenants;
    private final SessionStore sessions;
    private final Clock clock;
    private volatile @Nullable Thread thread;

    StreamGuard(
            OpenStreams streams,
            KeyStore keys,
            AccountStore tenants,
            SessionStore sessions,
            Clock clock) {
        this.streams = streams;
        this.keys = keys;
        this.tenants = tenants;
        this.sessions = sessions;
        this.clock = clock;
    }

    @Override
    public void start() {
        thread = Thread.ofVirtual().name("stream-guard").start(this::loop);
    }

    private void loop() {
        try {
            while (true) {
                Thread.sleep(PAUSE);
                try {
                    look();
                } catch (RuntimeException e) {
                    LOG.warn("Who streams could not be checked, again soon: {}", e.toString());
                }
            }
        } catch (InterruptedException _) {
            Thread.currentThread().interrupt();
        }
    }

    private void look() {
        var callers = streams.callers();
        if (callers.isEmpty()) {
            return;
        }
        var now = clock.instant();
        var good =
                keys.findAll(shown(callers, Caller::key)).stream()
                        .filter(key -> mayRead(key, now))
                        .map(KeyRow::id)
                        .collect(Collectors.toSet());
        good.addAll(sessions.openAmong(shown(callers, Caller::session)));
        var gone =
                tenants.goneAmong(callers.stream().map(Caller::tenant).collect(Collectors.toSet()));
        var refused =
                callers.stream()
                        .filter(caller ->
                                isOver(caller, now, good) || gone.contains(caller.tenant()))
                        .collect(Collectors.toSet());
        if (!refused.isEmpty()) {
            LOG.info("The streams of {} callers end: they may not read any more", refused.size());
            streams.end(refused);
        }
    }

    private static Set<UUID> shown(
            Collection<Caller> callers, Function<Caller, @Nullable UUID> what) {
        return callers.stream()
                .flatMap(caller -> Stream.ofNullable(what.apply(caller)))
                .collect(Collectors.toSet());
    }

    /// @param good keys and sessions that still are
    private static boolean isOver(Caller caller, Instant now, Set<UUID> good) {
        var until = caller.until();
        return Stream.of(caller.key(), caller.session())
                        .anyMatch(shown -> shown != null && !good.contains(shown))
                || (until != null && !now.isBefore(until));
    }

    private static boolean mayRead(KeyRow key, Instant now) {
        return key.revokedAt() == null
                && (key.expiresAt() == null || now.isBefore(key.expiresAt()))
                && KeyCheck.scopes(key).contains(Scope.JOBS_READ);
    }

    @Override
    public void stop() {
        var running = thread;
        thread = null;
        if (running != null) {
            running.interrupt();
        }
    }

    @Override
    public boolean isRunning() {
        return thread != null;
    }
}
