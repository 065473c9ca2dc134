package dev.comfyapi.api.audit;

import dev.comfyapi.api.http.Caller;
import dev.comfyapi.api.http.CanonicalJson;
import dev.comfyapi.api.http.RequestId;
import dev.comfyapi.db.audit.AuditStore;

import jakarta.servlet.http.HttpServletRequest;

import org.jspecify.annotations.Nullable;
import org.springframework.stereotype.Component;
import org.springframework.transaction.support.TransactionTemplate;
import org.springframework.web.context.request.RequestContextHolder;
import org.springframework.web.context.request.ServletRequestAttributes;

import tools.jackson.databind.json.JsonMapper;

import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HexFormat;
import java.util.Objects;
import java.util.function.Supplier;

/// Notes a change in the audit log. Call it inside the transaction that makes the change, so that
/// there is neither a change without its entry nor an entry without its change. Thread-safe.
@Component
public final class Audit {

    private final AuditStore store;
    private final JsonMapper json;
    private final TransactionTemplate transactions;

    Audit(AuditStore store, JsonMapper json, TransactionTemplate transactions) {
        this.store = store;
        this.json = json;
        this.transactions = transactions;
    }

    /// Makes a change of something of the caller's tenant, or of nobody's in particular, such as a
    /// worker, and notes it: both or neither.
    ///
    /// @param change answers what it became
    public <T> T during(String action, String target, Object targetId, Supplier<T> change) {
        return during(action, target, targetId, null, change);
    }

    /// @param before what it was, as the API shows it
    public <T> T during(
            String action,
            String target,
            Object targetId,
            @Nullable Object before,
            Supplier<T> change) {
        return Objects.requireNonNull(
                transactions.execute(_ -> {
                    var after = change.get();
                    note(Caller.current(), action, target, targetId, before, after);
                    return after;
                }));
    }

    /// The same for a change after which there is nothing left.
    public void removing(String action, String target, Object targetId, Runnable change) {
        transactions.executeWithoutResult(_ -> {
            change.run();
            note(Caller.current(), action, target, targetId, null, null);
        });
    }

    /// The same for a change whose result is a secret: the entry says that it was made, and nothing
    /// of it.
    public <T> T secretly(String action, String target, Object targetId, Supplier<T> change) {
        return Objects.requireNonNull(
                transactions.execute(_ -> {
                    var secret = change.get();
                    note(Caller.current(), action, target, targetId, null, null);
                    return secret;
                }));
    }

    /// Somebody changed something of their own tenant.
    ///
    /// @param action what was done, such as `api_key.created`
    /// @param target the kind of thing; with its id in `targetId`
    /// @param before what it was, as the API shows it, without secrets; null when it is new
    /// @param after what it became; null when it is gone
    public void note(
            Caller caller,
            String action,
            String target,
            Object targetId,
            @Nullable Object before,
            @Nullable Object after) {
        note(caller, caller.tenant(), action, target, targetId, before, after);
    }

    /// An operator changed something of a tenant.
    ///
    /// @param tenant whose thing it is
    public void note(
            Caller caller,
            int tenant,
            String action,
            String target,
            Object targetId,
            @Nullable Object before,
            @Nullable Object after) {
        var request =
                RequestContextHolder.getRequestAttributes()
                                instanceof ServletRequestAttributes attributes
                        ? attributes.getRequest()
                        : null;
        store.append(
                tenant,
                new AuditStore.Entry(
                        caller.actor(),
                        action,
                        target,
                        targetId.toString(),
                        hash(before),
                        hash(after),
                        after == null ? null : json.writeValueAsString(after),
                        request == null ? null : address(request),
                        request == null ? null : RequestId.of(request)));
    }

    private static String address(HttpServletRequest request) {
        return request.getRemoteAddr();
    }

    private @Nullable String hash(@Nullable Object state) {
        if (state == null) {
            return null;
        }
        try {
            var text = CanonicalJson.of(json.valueToTree(state));
            return HexFormat.of()
                    .formatHex(
                            MessageDigest.getInstance("SHA-256")
                                    .digest(text.getBytes(StandardCharsets.UTF_8)));
        } catch (NoSuchAlgorithmException e) {
            throw new IllegalStateException("every JDK has SHA-256", e);
        }
    }
}
