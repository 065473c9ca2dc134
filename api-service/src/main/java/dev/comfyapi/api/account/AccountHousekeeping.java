package dev.comfyapi.api.account;

import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.springframework.context.SmartLifecycle;
import org.springframework.stereotype.Component;

import java.util.concurrent.TimeUnit;

/// What nobody waits for: when keys were used, keys that are long over, tickets that nobody used,
/// sessions and invitations that have expired, tenants that are being deleted. In every instance:
/// two that do the same do no harm.
@Component
final class AccountHousekeeping implements SmartLifecycle {

    private static final Logger LOG = LoggerFactory.getLogger(AccountHousekeeping.class);

    private final KeyUses uses;
    private final Keys keys;
    private final Tickets tickets;
    private final Users users;
    private final Sessions sessions;
    private final TenantRemoval removal;
    private final AuthProperties properties;
    private volatile @Nullable Thread thread;

    AccountHousekeeping(
            KeyUses uses,
            Keys keys,
            Tickets tickets,
            Users users,
            Sessions sessions,
            TenantRemoval removal,
            AuthProperties properties) {
        this.uses = uses;
        this.keys = keys;
        this.tickets = tickets;
        this.users = users;
        this.sessions = sessions;
        this.removal = removal;
        this.properties = properties;
    }

    @Override
    public void start() {
        thread = Thread.ofVirtual().name("account-housekeeping").start(this::loop);
    }

    private void loop() {
        try {
            while (true) {
                TimeUnit.NANOSECONDS.sleep(properties.lastUsed().toNanos());
                uses.write();
                tidy(keys::forgetOld);
                tidy(tickets::forgetExpired);
                tidy(users::forgetExpired);
                tidy(sessions::forgetExpired);
                tidy(removal::goOn);
            }
        } catch (InterruptedException _) {
            Thread.currentThread().interrupt();
        }
    }

    private static void tidy(Runnable work) {
        try {
            work.run();
        } catch (RuntimeException e) {
            LOG.warn("Housekeeping of accounts failed and is tried again: {}", e.toString());
        }
    }

    @Override
    public void stop() {
        var running = thread;
        thread = null;
        if (running != null) {
            running.interrupt();
            // What is noted in memory only.
            uses.write();
        }
    }

    @Override
    public boolean isRunning() {
        return thread != null;
    }

    /// After the schema is there, before the last request of a stop is over.
    @Override
    public int getPhase() {
        return DEFAULT_PHASE - 1;
    }
}
