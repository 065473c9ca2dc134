package dev.comfyapi.api.http;

import java.util.Arrays;
import java.util.EnumSet;
import java.util.Locale;
import java.util.Optional;
import java.util.Set;

/// What a caller may do. Every operation names one with [Requires].
public enum Scope {
    JOBS_READ("read, list and follow jobs, and their files"),
    JOBS_WRITE("submit and check jobs"),
    JOBS_CANCEL("cancel and erase jobs"),
    JOBS_PRIORITY("ask for more than normal priority"),
    ASSETS_READ("read and list assets"),
    ASSETS_WRITE("upload, import and delete assets"),
    MODELS_READ("see which models and nodes there are"),
    WEBHOOKS_READ("see webhook endpoints and deliveries"),
    WEBHOOKS_WRITE("make, change and replay webhooks"),
    USAGE_READ("see usage and limits"),
    KEYS_ADMIN("make, change and revoke API keys"),
    TENANT_ADMIN("see the tenant's audit log, and invite, change and remove its users"),
    WORKERS_ADMIN("see and steer workers, pools and queues", true),
    TENANTS_ADMIN("make, change and delete tenants, and see everybody's audit log", true),
    METRICS_READ("read the service's metrics", true);

    private final String meaning;
    private final boolean operators;

    Scope(String meaning) {
        this(meaning, false);
    }

    Scope(String meaning, boolean operators) {
        this.meaning = meaning;
        this.operators = operators;
    }

    /// What it lets one do.
    public String meaning() {
        return meaning;
    }

    /// Whether it reaches beyond one tenant: only who runs the platform has it.
    public boolean isForOperators() {
        return operators;
    }

    /// Whether it is about bringing work to the platform, which a suspended tenant may not.
    boolean isForNewThings() {
        return this == JOBS_WRITE || this == ASSETS_WRITE;
    }

    public String wire() {
        return name().toLowerCase(Locale.ROOT).replace('_', ':');
    }

    public static Optional<Scope> ofWire(String word) {
        return Arrays.stream(values()).filter(scope -> scope.wire().equals(word)).findFirst();
    }

    public static Set<Scope> all() {
        return EnumSet.allOf(Scope.class);
    }
}
