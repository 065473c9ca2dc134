package dev.comfyapi.db.secret;

import org.springframework.jdbc.core.simple.JdbcClient;

import java.security.SecureRandom;

/// Random keys that all API instances share. Thread-safe.
public final class SecretStore {

    private static final int BYTES = 32;

    private final JdbcClient jdbc;

    public SecretStore(JdbcClient jdbc) {
        this.jdbc = jdbc;
    }

    /// The key of this name; the first instance that asks makes it.
    public byte[] get(String name) {
        var fresh = new byte[BYTES];
        new SecureRandom().nextBytes(fresh);
        return jdbc.sql(
                        """
                        INSERT INTO server_secret (name, value) VALUES (:name, :fresh)
                        ON CONFLICT (name) DO UPDATE SET name = excluded.name
                        RETURNING value
                        """)
                .param("name", name)
                .param("fresh", fresh)
                .query(byte[].class)
                .single();
    }
}
