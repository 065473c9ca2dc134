package dev.comfyapi.api;

import static org.assertj.core.api.Assertions.assertThat;

import com.tngtech.archunit.core.domain.JavaClass;
import com.tngtech.archunit.core.importer.ClassFileImporter;

import org.junit.jupiter.api.Test;

import java.lang.reflect.Method;
import java.lang.reflect.Modifier;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;

/// Every statement about what tenants own names the tenant: the methods of the stores take it
/// first.
///
/// Those that do not are listed here with the reason, so that a new one has to find a reason too.
class TenantInEveryQueryTest {

    /// Stores of what belongs to nobody in particular, or of duties that are done for everybody.
    private static final Map<String, String> STORES =
            Map.ofEntries(
                    Map.entry("DeadLetterStore", "for operators"),
                    Map.entry("FleetStore", "workers and what they have are everybody's"),
                    Map.entry("InputStore", "a worker reads the inputs of a job it was given"),
                    Map.entry("InvariantStore", "the rules hold for all rows together"),
                    Map.entry("JobClassStore", "classes say what jobs need, not whose they are"),
                    Map.entry("LeaderStore", "the leader moves everybody's tokens"),
                    Map.entry("LeaseStore", "a worker's proof is its lease"),
                    Map.entry("OperatedWorkerStore", "for operators"),
                    Map.entry("OutlookStore", "figures of all pools, without whose jobs they are"),
                    Map.entry("PoolStore", "for operators"),
                    Map.entry("RetentionStore", "housekeeping"),
                    Map.entry("SecretStore", "keys of the service itself"),
                    Map.entry("StrayStore", "housekeeping"),
                    Map.entry("WorkerStore", "workers are everybody's"));

    private static final Map<String, String> METHODS =
            new TreeMap<>(
                    Map.ofEntries(
                            Map.entry("AssetStore.doomExpired", "housekeeping"),
                            Map.entry("AssetStore.unsettled", "housekeeping"),
                            Map.entry("AssetStore.forget", "housekeeping, by an id it has found"),
                            Map.entry("AuditStore.listAll", "for operators"),
                            Map.entry("BatchStore.over", "waits, of batches found with tenant"),
                            Map.entry("BatchStore.open", "the leader's, for everybody"),
                            Map.entry("BatchStore.release", "the leader's, of a batch it found"),
                            Map.entry("BatchStore.finish", "the leader's, of a batch it found"),
                            Map.entry("BatchStore.forget", "housekeeping"),
                            Map.entry("ErasureStore.unfinished", "housekeeping"),
                            Map.entry("ErasureStore.finish", "housekeeping, by an id it has found"),
                            Map.entry("JobStore.findAll", "streams, which look whose each job is"),
                            Map.entry("JobStore.changes", "streams, of the tenants that listen"),
                            Map.entry("JobStore.now", "only the time"),
                            Map.entry("JobStore.change", "the row that was read has its tenant"),
                            Map.entry("IdempotencyStore.forgetOld", "housekeeping"),
                            Map.entry("KeyStore.judge", "says which tenant it is"),
                            Map.entry("SessionStore.find", "says which tenant it is"),
                            Map.entry("SessionStore.refresh", "by a token that only one has"),
                            Map.entry("SessionStore.endReused", "by a token, says which tenant"),
                            Map.entry("SessionStore.end", "by a token, says which tenant"),
                            Map.entry("SessionStore.forgetExpired", "housekeeping"),
                            Map.entry("UserStore.accept", "by a token, says which tenant"),
                            Map.entry("UserStore.credentials", "says which tenant it is"),
                            Map.entry("UserStore.isGood", "by a token that only one has"),
                            Map.entry("UserStore.reset", "by a token, says which tenant"),
                            Map.entry("SessionStore.openAmong", "sessions of open streams"),
                            Map.entry("UserStore.forgetExpired", "housekeeping"),
                            Map.entry("TicketStore.redeem", "says which tenant it is"),
                            Map.entry("TicketStore.forgetExpired", "housekeeping"),
                            Map.entry("KeyStore.noteUses", "housekeeping, of keys that were good"),
                            Map.entry("KeyStore.forget", "housekeeping"),
                            Map.entry("TenantStore.numberOf", "for operators, says which one"),
                            Map.entry("KeyStore.findAll", "keys that were good, of open streams"),
                            Map.entry("WebhookDeliveryStore.hasDue", "the sender's, for everybody"),
                            Map.entry("WebhookDeliveryStore.claim", "the sender's, for everybody"),
                            Map.entry("WebhookDeliveryStore.keepBody", "the sender's, of a claim"),
                            Map.entry("WebhookDeliveryStore.delivered", "the sender's, of a claim"),
                            Map.entry("WebhookDeliveryStore.failed", "the sender's, of a claim"),
                            Map.entry(
                                    "WebhookDeliveryStore.failedForGood",
                                    "the sender's, of a claim"),
                            Map.entry("WebhookDeliveryStore.abandon", "the sender's, of a claim"),
                            Map.entry(
                                    "WebhookDeliveryStore.attempts",
                                    "of a message that was found with its tenant"),
                            Map.entry("WebhookDeliveryStore.giveUpOld", "housekeeping"),
                            Map.entry("WebhookDeliveryStore.forgetEnded", "housekeeping"),
                            Map.entry("WebhookDeliveryStore.forgetLanes", "housekeeping"),
                            Map.entry("WebhookEndpointStore.disable", "the sender's, of a claim"),
                            Map.entry("WebhookSecretStore.publicKeys", "public, of everybody"),
                            Map.entry("WebhookSecretStore.forgetExpired", "housekeeping"),
                            Map.entry("AccountStore.add", "makes the tenant"),
                            Map.entry("AccountStore.find", "for operators, by the tenant's own id"),
                            Map.entry("AccountStore.findByName", "says which tenant a token names"),
                            Map.entry("AccountStore.lock", "for operators, by the tenant's own id"),
                            Map.entry("AccountStore.list", "for operators"),
                            Map.entry("AccountStore.change", "for operators: the row has its id"),
                            Map.entry("AccountStore.goneAmong", "tenants of open streams"),
                            Map.entry("AccountStore.doomed", "housekeeping")));

    @Test
    void every_method_of_a_store_takes_the_tenant_first() throws ClassNotFoundException {
        var without = new ArrayList<String>();
        for (var store : stores()) {
            if (STORES.containsKey(store.getSimpleName())) {
                continue;
            }
            for (var method : Class.forName(store.getName()).getDeclaredMethods()) {
                if (Modifier.isPublic(method.getModifiers()) && !takesTenant(method)) {
                    without.add(store.getSimpleName() + "." + method.getName());
                }
            }
        }

        assertThat(without).isNotEmpty().allMatch(METHODS::containsKey);
        assertThat(METHODS.keySet()).allMatch(without::contains);
    }

    @Test
    void every_exception_is_of_a_store_that_exists() {
        assertThat(stores().stream().map(JavaClass::getSimpleName).toList())
                .hasSizeGreaterThan(10)
                .containsAll(STORES.keySet());
    }

    private static List<JavaClass> stores() {
        return new ClassFileImporter()
                .importPackages("dev.comfyapi.db").stream()
                        .filter(c -> c.getSimpleName().endsWith("Store") && c.isTopLevelClass())
                        .toList();
    }

    private static boolean takesTenant(Method method) {
        return Arrays.stream(method.getParameters())
                .findFirst()
                .filter(first -> first.isNamePresent() && first.getName().equals("tenant"))
                .isPresent();
    }
}
