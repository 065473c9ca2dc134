package dev.comfyapi.api;

import dev.comfyapi.db.account.AccountStore;
import dev.comfyapi.db.account.KeyStore;
import dev.comfyapi.db.account.RemovalStore;
import dev.comfyapi.db.account.SessionStore;
import dev.comfyapi.db.account.TicketStore;
import dev.comfyapi.db.account.UserStore;
import dev.comfyapi.db.audit.AuditStore;
import dev.comfyapi.db.catalogue.FleetStore;
import dev.comfyapi.db.job.BatchStore;
import dev.comfyapi.db.job.DeadLetterStore;
import dev.comfyapi.db.job.ErasureStore;
import dev.comfyapi.db.job.IdempotencyStore;
import dev.comfyapi.db.job.JobClassStore;
import dev.comfyapi.db.job.JobStore;
import dev.comfyapi.db.job.LiveJobStore;
import dev.comfyapi.db.limit.QuotaStore;
import dev.comfyapi.db.limit.RateStore;
import dev.comfyapi.db.operator.OperatedWorkerStore;
import dev.comfyapi.db.operator.PoolStore;
import dev.comfyapi.db.queue.OutlookStore;
import dev.comfyapi.db.secret.GraphSeal;
import dev.comfyapi.db.secret.SecretStore;
import dev.comfyapi.db.tenant.TenantStore;
import dev.comfyapi.db.usage.UsageStore;

import org.springframework.context.annotation.Bean;
import org.springframework.context.annotation.Configuration;
import org.springframework.jdbc.core.simple.JdbcClient;
import org.springframework.transaction.PlatformTransactionManager;
import org.springframework.transaction.support.TransactionTemplate;

/// The doors to the tables that the API uses.
@Configuration(proxyBeanMethods = false)
class StoreConfiguration {

    @Bean
    JobStore jobStore(JdbcClient jdbc) {
        return new JobStore(jdbc);
    }

    @Bean
    ErasureStore erasureStore(JdbcClient jdbc) {
        return new ErasureStore(jdbc);
    }

    @Bean
    JobClassStore jobClassStore(JdbcClient jdbc) {
        return new JobClassStore(jdbc);
    }

    @Bean
    IdempotencyStore idempotencyStore(JdbcClient jdbc) {
        return new IdempotencyStore(jdbc);
    }

    @Bean
    LiveJobStore liveJobStore(JdbcClient jdbc) {
        return new LiveJobStore(jdbc);
    }

    @Bean
    BatchStore batchStore(JdbcClient jdbc) {
        return new BatchStore(jdbc);
    }

    @Bean
    DeadLetterStore deadLetterStore(JdbcClient jdbc) {
        return new DeadLetterStore(jdbc);
    }

    @Bean
    TenantStore tenantStore(JdbcClient jdbc) {
        return new TenantStore(jdbc);
    }

    @Bean
    FleetStore fleetStore(JdbcClient jdbc) {
        return new FleetStore(jdbc);
    }

    @Bean
    PoolStore poolStore(JdbcClient jdbc) {
        return new PoolStore(jdbc);
    }

    @Bean
    OperatedWorkerStore operatedWorkerStore(JdbcClient jdbc) {
        return new OperatedWorkerStore(jdbc);
    }

    @Bean
    OutlookStore outlookStore(JdbcClient jdbc) {
        return new OutlookStore(jdbc);
    }

    @Bean
    SecretStore secretStore(JdbcClient jdbc) {
        return new SecretStore(jdbc);
    }

    @Bean
    GraphSeal graphSeal(SecretStore secrets) {
        return new GraphSeal(secrets);
    }

    @Bean
    KeyStore keyStore(JdbcClient jdbc) {
        return new KeyStore(jdbc);
    }

    @Bean
    TicketStore ticketStore(JdbcClient jdbc) {
        return new TicketStore(jdbc);
    }

    @Bean
    UserStore userStore(JdbcClient jdbc) {
        return new UserStore(jdbc);
    }

    @Bean
    SessionStore sessionStore(JdbcClient jdbc) {
        return new SessionStore(jdbc);
    }

    @Bean
    AccountStore accountStore(JdbcClient jdbc) {
        return new AccountStore(jdbc);
    }

    @Bean
    RemovalStore removalStore(JdbcClient jdbc) {
        return new RemovalStore(jdbc);
    }

    @Bean
    AuditStore auditStore(JdbcClient jdbc) {
        return new AuditStore(jdbc);
    }

    @Bean
    RateStore rateStore(JdbcClient jdbc) {
        return new RateStore(jdbc);
    }

    @Bean
    QuotaStore quotaStore(JdbcClient jdbc) {
        return new QuotaStore(jdbc);
    }

    @Bean
    UsageStore usageStore(JdbcClient jdbc) {
        return new UsageStore(jdbc);
    }

    @Bean
    TransactionTemplate transactions(PlatformTransactionManager manager) {
        return new TransactionTemplate(manager);
    }
}
