package dev.comfyapi.api.account;

import dev.comfyapi.api.http.Caller;
import dev.comfyapi.api.http.OpenStreams;
import dev.comfyapi.api.http.Scope;
import dev.comfyapi.db.account.AccountStore;
import dev.comfyapi.db.account.KeyRow;
import dev.comfyapi.db.account.KeyStore;
import dev.comfyapi.db.account.UserStore;

import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.springframework.context.SmartLifecycle;
import org.springframework.stereotype.Component;

import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.util.HashSet;
import java.util.Set;
import java.util.UUID;
import java.util.stream.Collectors;

/// Ends the open streams of those who may not read any more: their key was revoked, has expired or
/// lost the scope, their token has expired, their user was removed, or their tenant is being
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
    private final UserStore users;
    private final Clock clock;
    private volatile @Nullable Thread thread;

    StreamGuard(
            OpenStreams streams,
            KeyStore keys,
            AccountStore tenants,
            UserStore users,
            Clock clock) {
        this.streams = streams;
        this.keys = keys;
        this.tenants = tenants;
        this.users = users;
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
        var shown = new HashSet<UUID>();
        for (var caller : callers) {
            var key = caller.key();
            if (key != null) {
                shown.add(key);
            }
        }
        var good =
                keys.findAll(shown).stream()
                        .filter(key -> mayRead(key, now))
                        .map(KeyRow::id)
                        .collect(Collectors.toSet());
        var gone =
                tenants.goneAmong(callers.stream().map(Caller::tenant).collect(Collectors.toSet()));
        var accounts =
                callers.stream()
                        .flatMap(caller -> caller.account().stream())
                        .collect(Collectors.toSet());
        var there = Set.copyOf(users.thereAmong(accounts));
        var refused =
                callers.stream()
                        .filter(caller ->
                                isOver(caller, now, good)
                                        || gone.contains(caller.tenant())
                                        || !there.containsAll(caller.account().stream().toList()))
                        .collect(Collectors.toSet());
        if (!refused.isEmpty()) {
            LOG.info("The streams of {} callers end: they may not read any more", refused.size());
            streams.end(refused);
        }
    }

    private static boolean isOver(Caller caller, Instant now, Set<UUID> good) {
        var key = caller.key();
        var until = caller.until();
        return (key != null && !good.contains(key)) || (until != null && !now.isBefore(until));
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
