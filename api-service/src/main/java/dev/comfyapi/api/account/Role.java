package dev.comfyapi.api.account;

import dev.comfyapi.api.http.Scope;

import java.util.Arrays;
import java.util.EnumSet;
import java.util.Locale;
import java.util.Optional;
import java.util.Set;

/// Named sets of scopes, so that a key follows when a new operation comes.
enum Role {
    /// Runs the platform.
    OPERATOR {
        @Override
        Set<Scope> scopes() {
            return Scope.all();
        }
    },
    /// Everything within a tenant.
    OWNER {
        @Override
        Set<Scope> scopes() {
            var own = EnumSet.allOf(Scope.class);
            own.removeIf(Scope::isForOperators);
            return own;
        }
    },
    /// The same without the tenant's own settings.
    ADMIN {
        @Override
        Set<Scope> scopes() {
            var own = OWNER.scopes();
            own.remove(Scope.TENANT_ADMIN);
            return own;
        }
    },
    /// Makes pictures and looks after what is needed for that.
    DEVELOPER {
        @Override
        Set<Scope> scopes() {
            var own = ADMIN.scopes();
            own.remove(Scope.KEYS_ADMIN);
            own.remove(Scope.JOBS_PRIORITY);
            return own;
        }
    },
    /// Looks.
    VIEWER {
        @Override
        Set<Scope> scopes() {
            return EnumSet.of(
                    Scope.JOBS_READ,
                    Scope.ASSETS_READ,
                    Scope.MODELS_READ,
                    Scope.WEBHOOKS_READ,
                    Scope.USAGE_READ);
        }
    };

    abstract Set<Scope> scopes();

    String wire() {
        return name().toLowerCase(Locale.ROOT);
    }

    static Optional<Role> ofWire(String word) {
        return Arrays.stream(values()).filter(role -> role.wire().equals(word)).findFirst();
    }
}
