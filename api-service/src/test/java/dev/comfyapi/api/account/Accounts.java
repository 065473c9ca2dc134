package dev.comfyapi.api.account;

import dev.comfyapi.api.Api;

import java.util.UUID;

/// A locked application, its operator, and tenants with keys, made the way an operator makes them.
final class Accounts implements AutoCloseable {

    static final String KEYS = "/api/v1/api-keys";
    static final String TENANTS = "/api/v1/tenants";

    final Api api;
    final String operator;

    Accounts(String... properties) {
        var all = new String[properties.length + 1];
        System.arraycopy(properties, 0, all, 0, properties.length);
        all[properties.length] = "--comfyapi.auth.mode=keys";
        api = Api.fresh(all);
        operator = api.adminKey();
    }

    /// A tenant, and the key of its owner.
    record Tenant(String id, String owner) {}

    Tenant tenant(String members) {
        var made =
                api.post(
                        TENANTS,
                        "{\"name\": \"tenant %s\"%s}".formatted(UUID.randomUUID(), members),
                        bearer(operator));
        var id = made.at("/tenant_id");
        return new Tenant(
                id, key(operator, "\"role\": \"owner\", \"tenant_id\": \"%s\"".formatted(id)));
    }

    Tenant tenant() {
        return tenant(", \"tier\": \"internal\"");
    }

    /// A new key.
    ///
    /// @param maker whose key makes it
    /// @param members of the body besides the name
    String key(String maker, String members) {
        return made(maker, members).at("/api_key");
    }

    Api.Answer made(String maker, String members) {
        return api.post(KEYS, "{\"name\": \"a key\", %s}".formatted(members), bearer(maker));
    }

    static String[] bearer(String key) {
        return new String[] {"Authorization", "Bearer " + key};
    }

    @Override
    public void close() {
        api.close();
    }
}
