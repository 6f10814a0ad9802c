#!/bin/sh
# Enter one won deal into the CRM that the sandbox plays, as a seller would: client, signed
# contract, opportunity. Which company of ours contracts is left blank, as happens in life.
#
#     sh docs/first-deal.sh http://127.0.0.1:PORT      the sandbox's address, as `make up` says it
set -eu
records="${1:?say the address of the sandbox}/_sandbox/salesforce-emea/records"

enter() { # kind, fields → the record's id
    curl --fail-with-body -sS -X POST "$records/$1" -d "{$2, \"CurrencyIsoCode\": \"EUR\"}" |
        sed 's/.*"id": "\([^"]*\)".*/\1/'
}

client=$(enter Account '"Name": "Grünwald Optik GmbH", "BillingCity": "München",
    "BillingCountryCode": "DE", "Tax_Id__c": "DE305182648", "Client_Tier__c": "standard"')
contract=$(enter Contract '"AccountId": "'"$client"'", "Status": "Activated",
    "CustomerSignedDate": "2026-11-18", "StartDate": "2027-01-11", "EndDate": "2027-06-30",
    "Contract_Value__c": 184250.00, "Payment_Days__c": 30')
enter Opportunity '"AccountId": "'"$client"'", "ContractId": "'"$contract"'",
    "Name": "Data platform", "StageName": "Closed Won", "CloseDate": "2026-11-18",
    "Amount": 184250.00, "Project_Start__c": "2027-01-11", "Project_End__c": "2027-06-30",
    "Region__c": "EMEA", "Delivery_Country__c": "DE", "Service_Line__c": "Data and analytics",
    "Contract_Type__c": "Fixed Fee"'
