package dev.comfyapi.api.account;

import com.fasterxml.uuid.Generators;

import dev.comfyapi.db.account.KeyStore;
import dev.comfyapi.db.account.NewKey;
import dev.comfyapi.db.audit.AuditStore;
import dev.comfyapi.db.secret.SecretStore;

import org.flywaydb.core.Flyway;
import org.flywaydb.core.api.FlywayException;
import org.springframework.boot.WebApplicationType;
import org.springframework.boot.builder.SpringApplicationBuilder;
import org.springframework.boot.context.properties.EnableConfigurationProperties;
import org.springframework.context.annotation.Configuration;
import org.springframework.core.env.Environment;
import org.springframework.jdbc.core.simple.JdbcClient;
import org.springframework.jdbc.datasource.DataSourceTransactionManager;
import org.springframework.jdbc.datasource.DriverManagerDataSource;
import org.springframework.transaction.support.TransactionTemplate;

import java.util.List;

/// Makes a key that may do everything, for whoever can reach the database: `create-admin-key`. The
/// first key of a platform comes into being this way, and the next one when all are lost.
public final class AdminKeyCommand {

    public static final String NAME = "create-admin-key";

    private static final int FIRST_TENANT = 1;

    private AdminKeyCommand() {}

    /// What the command needs of the application: its properties, nothing that listens.
    @Configuration(proxyBeanMethods = false)
    @EnableConfigurationProperties(AuthProperties.class)
    public static class Properties {}

    /// Makes the key and prints it, once.
    ///
    /// @param arguments as for the service, so that it finds the same database
    public static void run(String[] arguments) {
        String key;
        try {
            key = make(arguments);
        } catch (FlywayException e) {
            System.err.printf(
                    "No key was made, the database does not answer: %s%nGive --spring.datasource.url,"
                            + " .username and .password as to the service.%n",
                    rootOf(e).getMessage());
            System.exit(1);
            return;
        }
        System.err.println("This key may do everything. It is shown this once; keep it safe:");
        System.out.println(key);
    }

    private static Throwable rootOf(Throwable e) {
        return e.getCause() == null ? e : rootOf(e.getCause());
    }

    /// Brings the database's schema up to date, makes the key and answers it.
    ///
    /// @param arguments as for the service
    public static String make(String... arguments) {
        try (var context =
                new SpringApplicationBuilder(Properties.class)
                        .web(WebApplicationType.NONE)
                        .logStartupInfo(false)
                        .properties("logging.level.root=WARN")
                        .run(arguments)) {
            return make(context.getEnvironment(), context.getBean(AuthProperties.class));
        }
    }

    private static String make(Environment environment, AuthProperties properties) {
        var url = environment.getRequiredProperty("spring.datasource.url");
        var user = environment.getProperty("spring.datasource.username");
        var password = environment.getProperty("spring.datasource.password");
        Flyway.configure()
                .dataSource(url, user, password)
                .locations("classpath:db/migration")
                .load()
                .migrate();
        var source = new DriverManagerDataSource(url);
        source.setUsername(user);
        source.setPassword(password);
        var jdbc = JdbcClient.create(source);
        var key = ApiKey.random(properties.environment());
        var hash = new KeyHash(properties, new SecretStore(jdbc)).of(key);
        var id = Generators.timeBasedEpochGenerator().generate();
        new TransactionTemplate(new DataSourceTransactionManager(source))
                .executeWithoutResult(_ -> {
                    new KeyStore(jdbc)
                            .add(
                                    FIRST_TENANT,
                                    new NewKey(
                                            id,
                                            key.lookup(),
                                            hash,
                                            key.lastFour(),
                                            NAME,
                                            Role.OPERATOR.wire(),
                                            List.of(),
                                            List.of(),
                                            null,
                                            null));
                    new AuditStore(jdbc)
                            .append(
                                    FIRST_TENANT,
                                    new AuditStore.Entry(
                                            "command",
                                            "api_key.created",
                                            "api_key",
                                            id.toString(),
                                            null,
                                            null,
                                            null,
                                            null,
                                            null));
                });
        return key.text();
    }
}
