package dev.comfyapi.api.account;

import dev.comfyapi.api.http.Caller;
import dev.comfyapi.db.account.KeyStore;

import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.springframework.stereotype.Component;

import java.time.Clock;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.UUID;
import java.util.concurrent.ConcurrentHashMap;

/// Remembers when keys were used, and writes it down now and then: no request waits for it. What an
/// instance that dies has not written is forgotten. Thread-safe.
@Component
final class KeyUses {

    private static final Logger LOG = LoggerFactory.getLogger(KeyUses.class);

    private final KeyStore store;
    private final Clock clock;
    private final Map<UUID, KeyStore.Use> noted = new ConcurrentHashMap<>();

    KeyUses(KeyStore store, Clock clock) {
        this.store = store;
        this.clock = clock;
    }

    void note(Caller caller, String address) {
        var key = caller.key();
        if (key != null) {
            noted.put(key, new KeyStore.Use(clock.instant(), address));
        }
    }

    /// Writes down what was noted; what cannot be written is tried again with the next.
    void write() {
        var uses = new HashMap<UUID, KeyStore.Use>();
        for (var key : List.copyOf(noted.keySet())) {
            var use = noted.remove(key);
            if (use != null) {
                uses.put(key, use);
            }
        }
        if (uses.isEmpty()) {
            return;
        }
        try {
            store.noteUses(uses);
        } catch (RuntimeException e) {
            uses.forEach(noted::putIfAbsent);
            LOG.warn("When keys were used is written down later: {}", e.toString());
        }
    }
}
