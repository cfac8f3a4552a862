@description('The location for the resource(s) to be deployed.')
param location string = resourceGroup().location

param aca_outputs_azure_container_apps_environment_default_domain string

param aca_outputs_azure_container_apps_environment_id string

param worker_containerimage string

param worker_containerport string

@secure()
param rabbitmq_worker_password_value string

param otlp_endpoint_value string

param worker_slots_value string

param aca_outputs_azure_container_registry_endpoint string

param aca_outputs_azure_container_registry_managed_identity_id string

resource worker 'Microsoft.App/containerApps@2025-10-02-preview' = {
  name: 'worker'
  location: location
  properties: {
    configuration: {
      secrets: [
        {
          name: 'connectionstrings--rabbitmq'
          value: 'amqp://worker:${uriComponent(rabbitmq_worker_password_value)}@rabbitmq:5672'
        }
      ]
      activeRevisionsMode: 'Single'
      ingress: {
        external: false
        targetPort: int(worker_containerport)
        transport: 'http'
      }
      registries: [
        {
          server: aca_outputs_azure_container_registry_endpoint
          identity: aca_outputs_azure_container_registry_managed_identity_id
        }
      ]
      runtime: {
        dotnet: {
          autoConfigureDataProtection: true
        }
      }
    }
    environmentId: aca_outputs_azure_container_apps_environment_id
    template: {
      terminationGracePeriodSeconds: 465
      containers: [
        {
          probes: [
            {
              failureThreshold: 3
              httpGet: {
                path: '/health'
                port: int(worker_containerport)
                scheme: 'HTTP'
              }
              initialDelaySeconds: 0
              periodSeconds: 5
              successThreshold: 1
              timeoutSeconds: 5
              type: 'Readiness'
            }
            {
              failureThreshold: 6
              httpGet: {
                path: '/alive'
                port: int(worker_containerport)
                scheme: 'HTTP'
              }
              initialDelaySeconds: 0
              periodSeconds: 10
              successThreshold: 1
              timeoutSeconds: 5
              type: 'Liveness'
            }
            {
              failureThreshold: 60
              httpGet: {
                path: '/alive'
                port: int(worker_containerport)
                scheme: 'HTTP'
              }
              initialDelaySeconds: 1
              periodSeconds: 2
              successThreshold: 1
              timeoutSeconds: 5
              type: 'Startup'
            }
          ]
          image: worker_containerimage
          name: 'worker'
          env: [
            {
              name: 'OTEL_DOTNET_EXPERIMENTAL_OTLP_RETRY'
              value: 'in_memory'
            }
            {
              name: 'ASPNETCORE_FORWARDEDHEADERS_ENABLED'
              value: 'true'
            }
            {
              name: 'HTTP_PORTS'
              value: worker_containerport
            }
            {
              name: 'ConnectionStrings__rabbitmq'
              secretRef: 'connectionstrings--rabbitmq'
            }
            {
              name: 'OTEL_EXPORTER_OTLP_ENDPOINT'
              value: otlp_endpoint_value
            }
            {
              name: 'OTEL_SERVICE_NAME'
              value: 'worker'
            }
            {
              name: 'Worker__Concurrency'
              value: worker_slots_value
            }
            {
              name: 'Worker__DrainTimeout'
              value: '00:07:00'
            }
          ]
          resources: {
            cpu: json('0.5')
            memory: '1Gi'
          }
        }
      ]
      scale: {
        minReplicas: 1
        maxReplicas: 20
        cooldownPeriod: 300
        pollingInterval: 10
        rules: [
          {
            name: 'backlog'
            custom: {
              type: 'metrics-api'
              metadata: {
                url: 'https://api.${aca_outputs_azure_container_apps_environment_default_domain}/v1/stats'
                valueLocation: 'open'
                targetValue: '100'
              }
            }
          }
        ]
      }
    }
  }
  identity: {
    type: 'UserAssigned'
    userAssignedIdentities: {
      '${aca_outputs_azure_container_registry_managed_identity_id}': { }
    }
  }
}
