package dev.comfyapi.api.job;

import static org.assertj.core.api.Assertions.assertThat;

import dev.comfyapi.api.Api;
import dev.comfyapi.api.http.ApiProblem;
import dev.comfyapi.artifact.ArtifactStore;
import dev.comfyapi.db.job.ErasureStore;
import dev.comfyapi.db.job.JobStore;
import dev.comfyapi.messaging.MessageSender;

import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.springframework.beans.factory.support.StaticListableBeanFactory;
import org.springframework.jdbc.core.simple.JdbcClient;
import org.springframework.jdbc.datasource.DelegatingDataSource;

import java.sql.Connection;
import java.sql.SQLException;

import javax.sql.DataSource;

class GraphTest {

    private final Api api = Api.shared();

    @ParameterizedTest
    @ValueSource(ints = {1, 2, 3})
    void a_job_that_is_erased_before_any_of_the_reads_has_its_graph_or_is_gone(int before) {
        var job = api.submitted();
        api.delete("/api/v1/jobs/" + job);
        var erasing =
                new DelegatingDataSource(api.bean("dataSource", DataSource.class)) {
                    private int connections;

                    @Override
                    public Connection getConnection() throws SQLException {
                        if (++connections == before) {
                            api.bean(ErasureStore.class).erase(Api.TENANT, job);
                        }
                        return super.getConnection();
                    }
                };
        var jobs =
                new Jobs(
                        new JobStore(JdbcClient.create(erasing)),
                        api.bean(ErasureStore.class),
                        api.bean(ArtifactStore.class),
                        api.bean(Retention.class),
                        api.bean(JobViews.class),
                        api.bean(JobNews.class),
                        api.bean(MessageSender.class),
                        new StaticListableBeanFactory().getBeanProvider(QueueBell.class));

        String answer;
        try {
            answer = jobs.graph(Api.TENANT, job);
        } catch (ApiProblem e) {
            answer = e.code().name();
        }

        assertThat(answer)
                .matches(before == 1 ? "EXPIRED_RESOURCE" : "EXPIRED_RESOURCE|\\{\"[\\s\\S]+}");
    }
}
