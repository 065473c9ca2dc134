package dev.comfyapi.api.webhook;

import dev.comfyapi.api.http.Version;
import dev.comfyapi.api.outbound.AddressGuard;
import dev.comfyapi.api.outbound.GuardedHttp;
import dev.comfyapi.db.webhook.WebhookDeliveryStore;
import dev.comfyapi.db.webhook.WebhookDeliveryStore.Limits;
import dev.comfyapi.db.webhook.WebhookEndpointStore;
import dev.comfyapi.db.webhook.WebhookSecretStore;

import org.springframework.context.annotation.Bean;
import org.springframework.context.annotation.Configuration;
import org.springframework.jdbc.core.simple.JdbcClient;
import org.springframework.transaction.support.TransactionTemplate;

import java.net.InetAddress;
import java.time.Duration;
import java.util.Set;

@Configuration(proxyBeanMethods = false)
class WebhookConfiguration {

    static final String USER_AGENT = "ComfyUI-API-Service/" + Version.NAME;

    private static final int PER_LANE = 8;

    /// So many failures in a row are no accident, even where every third try fails.
    private static final int TRIP = 10;

    private static final Duration PAUSE = Duration.ofSeconds(30);
    private static final Duration LONGEST_PAUSE = Duration.ofHours(1);
    private static final Duration PATIENCE = Duration.ofDays(5);

    @Bean
    WebhookEndpointStore webhookEndpointStore(JdbcClient jdbc) {
        return new WebhookEndpointStore(jdbc);
    }

    @Bean
    WebhookSecretStore webhookSecretStore(JdbcClient jdbc, TransactionTemplate transactions) {
        return new WebhookSecretStore(jdbc, transactions);
    }

    @Bean
    WebhookDeliveryStore webhookDeliveryStore(
            JdbcClient jdbc, TransactionTemplate transactions, WebhookProperties properties) {
        return new WebhookDeliveryStore(
                jdbc,
                transactions,
                new Limits(PER_LANE, properties.lease(), TRIP, PAUSE, LONGEST_PAUSE, PATIENCE));
    }

    @Bean
    WebhookHttp webhookHttp(WebhookProperties properties) {
        return webhookHttp(properties, InetAddress::getAllByName);
    }

    static WebhookHttp webhookHttp(WebhookProperties properties, GuardedHttp.Lookup lookup) {
        var guard =
                new AddressGuard(
                        "comfyapi.webhooks.allowed-hosts",
                        properties.allowedHosts(),
                        Set.of(443, 8443));
        var http =
                new GuardedHttp(
                        guard,
                        lookup,
                        new GuardedHttp.Rules(
                                Set.of("https"),
                                properties.concurrency(),
                                properties.connectTimeout(),
                                properties.timeout()),
                        USER_AGENT);
        return new WebhookHttp(http, properties.timeout());
    }
}
