package dev.comfyapi.api.webhook;

import com.fasterxml.uuid.Generators;
import com.fasterxml.uuid.impl.TimeBasedEpochGenerator;

import dev.comfyapi.api.http.ApiProblem;
import dev.comfyapi.api.secret.SealedSecrets;
import dev.comfyapi.db.webhook.NewSecret;
import dev.comfyapi.db.webhook.WebhookSecretStore;
import dev.comfyapi.db.webhook.WebhookSecretStore.StoredSecret;

import org.jspecify.annotations.Nullable;
import org.springframework.dao.DataIntegrityViolationException;
import org.springframework.stereotype.Component;

import java.time.Duration;
import java.util.List;
import java.util.UUID;

/// The keys that sign messages: one current for each endpoint, and one of the tenant's own for
/// addresses that come with jobs. Thread-safe.
@Component
final class WebhookSecrets {

    private static final int HMAC = 1;
    private static final int ED25519 = 2;

    private final WebhookSecretStore store;
    private final SealedSecrets sealing;
    private final TimeBasedEpochGenerator ids = Generators.timeBasedEpochGenerator();

    WebhookSecrets(WebhookSecretStore store, SealedSecrets sealing) {
        this.store = store;
        this.sealing = sealing;
    }

    /// A new key, and how it is stored.
    record Fresh(SigningKey key, NewSecret stored) {}

    Fresh fresh(boolean asymmetric) {
        var key = asymmetric ? SigningKey.Ed25519.random() : SigningKey.Hmac.random();
        var id = ids.generate();
        return new Fresh(
                key,
                new NewSecret(
                        id,
                        asymmetric ? ED25519 : HMAC,
                        sealing.seal(key.secret(), purpose(id)),
                        asymmetric ? key.forReceiver() : null));
    }

    /// What signs now, newest first; the tenant's own is made when it is first needed.
    ///
    /// @param endpoint null for the tenant's own
    /// @throws IllegalStateException when a key cannot be opened
    List<SigningKey> signing(int tenant, @Nullable UUID endpoint) {
        var live = store.live(tenant, endpoint);
        if (live.isEmpty() && endpoint == null) {
            store.createDefault(tenant, fresh(false).stored());
            live = store.live(tenant, null);
        }
        return live.stream().map(this::opened).toList();
    }

    /// Makes a new current key; the one before signs beside it for so long.
    ///
    /// @throws ApiProblem when the endpoint was deleted meanwhile
    SigningKey rotate(int tenant, @Nullable UUID endpoint, boolean asymmetric, Duration overlap) {
        var fresh = fresh(asymmetric);
        try {
            store.rotate(tenant, endpoint, fresh.stored(), overlap);
        } catch (DataIntegrityViolationException _) {
            throw ApiProblem.notFound();
        }
        return fresh.key();
    }

    private SigningKey opened(StoredSecret stored) {
        var secret = sealing.open(stored.sealed(), purpose(stored.id()));
        return stored.publicKey() == null
                ? new SigningKey.Hmac(secret)
                : new SigningKey.Ed25519(secret, stored.publicKey());
    }

    private static String purpose(UUID id) {
        return "webhook_secret " + id;
    }
}
