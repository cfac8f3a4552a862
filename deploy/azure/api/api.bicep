@description('The location for the resource(s) to be deployed.')
param location string = resourceGroup().location

param aca_outputs_azure_container_apps_environment_default_domain string

param aca_outputs_azure_container_apps_environment_id string

param api_containerimage string

param api_identity_outputs_id string

param api_containerport string

param postgres_kv_outputs_name string

param rabbitmq_username_value string

@secure()
param rabbitmq_password_value string

param otlp_endpoint_value string

@secure()
param admin_key_value string

@secure()
param webhook_secret_key_value string

param api_identity_outputs_clientid string

param aca_outputs_azure_container_registry_endpoint string

param aca_outputs_azure_container_registry_managed_identity_id string

resource postgres_kv 'Microsoft.KeyVault/vaults@2024-11-01' existing = {
  name: postgres_kv_outputs_name
}

resource postgres_kv_connectionstrings__tickets 'Microsoft.KeyVault/vaults/secrets@2024-11-01' existing = {
  name: 'connectionstrings--tickets'
  parent: postgres_kv
}

resource api 'Microsoft.App/containerApps@2025-10-02-preview' = {
  name: 'api'
  location: location
  properties: {
    configuration: {
      secrets: [
        {
          name: 'connectionstrings--tickets'
          identity: api_identity_outputs_id
          keyVaultUrl: postgres_kv_connectionstrings__tickets.properties.secretUri
        }
        {
          name: 'connectionstrings--rabbitmq'
          value: 'amqp://${uriComponent(rabbitmq_username_value)}:${uriComponent(rabbitmq_password_value)}@rabbitmq:5672'
        }
        {
          name: 'auth--adminkeys--0'
          value: admin_key_value
        }
        {
          name: 'webhooks--secretkey'
          value: webhook_secret_key_value
        }
      ]
      activeRevisionsMode: 'Single'
      ingress: {
        external: true
        targetPort: int(api_containerport)
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
      terminationGracePeriodSeconds: 45
      containers: [
        {
          probes: [
            {
              failureThreshold: 3
              httpGet: {
                path: '/health'
                port: int(api_containerport)
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
                port: int(api_containerport)
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
                port: int(api_containerport)
                scheme: 'HTTP'
              }
              initialDelaySeconds: 1
              periodSeconds: 2
              successThreshold: 1
              timeoutSeconds: 5
              type: 'Startup'
            }
          ]
          image: api_containerimage
          name: 'api'
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
              value: api_containerport
            }
            {
              name: 'ConnectionStrings__tickets'
              secretRef: 'connectionstrings--tickets'
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
              value: 'api'
            }
            {
              name: 'Auth__Mode'
              value: 'keys'
            }
            {
              name: 'Auth__SignUp'
              value: 'admin'
            }
            {
              name: 'Auth__AdminKeys__0'
              secretRef: 'auth--adminkeys--0'
            }
            {
              name: 'Webhooks__SecretKey'
              secretRef: 'webhooks--secretkey'
            }
            {
              name: 'Proxies__KnownNetworks'
              value: '10.0.0.0/8,100.64.0.0/10,172.16.0.0/12,192.168.0.0/16,fc00::/7'
            }
            {
              name: 'AZURE_CLIENT_ID'
              value: api_identity_outputs_clientid
            }
            {
              name: 'AZURE_TOKEN_CREDENTIALS'
              value: 'ManagedIdentityCredential'
            }
          ]
          resources: {
            cpu: json('0.5')
            memory: '1Gi'
          }
        }
      ]
      scale: {
        minReplicas: 2
        maxReplicas: 10
        rules: [
          {
            name: 'http'
            http: {
              metadata: {
                concurrentRequests: '100'
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
      '${api_identity_outputs_id}': { }
      '${aca_outputs_azure_container_registry_managed_identity_id}': { }
    }
  }
}
